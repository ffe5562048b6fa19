"""How Sphinx makes a site of the lessons, the pages in docs/ and the package's docstrings: `make docs`.

Nothing is executed: lessons show the outputs that they are stored with, and the package is read, not imported. Pages
load nothing from elsewhere, so that the site works without a network.
"""

from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]

project = "TBD"
author = "the authors of tbd-lib"
html_title = "TBD, reproduced to be understood"
language = "en"

extensions = ["myst_nb", "sphinx.ext.napoleon", "autoapi.extension"]
exclude_patterns = ["**/.ipynb_checkpoints"]

nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {}  # inspectors are stored with a picture
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3  # as a forge names them

autoapi_dirs = [str(ROOT / "tbd_lib")]
autoapi_root = "reference"
autoapi_ignore = ["*/cli/*"]  # commands say themselves what they take: `tbd track --help`
autoapi_options = ["members", "undoc-members", "show-inheritance", "show-module-summary"]
autoapi_add_toctree_entry = False
suppress_warnings = ["autoapi.python_import_resolution"]  # names that are assigned several at a time

html_theme = "sphinx_book_theme"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_favicon = "static/icon.svg"
html_theme_options = {"navbar_persistent": [], "use_download_button": False, "max_navbar_depth": 1}
html_context = {"default_mode": "auto", "try": tags.has("try")}  # Sphinx gives the tags
templates_path = ["templates"]
html_sidebars = {"**": ["home.html", "search-button-field.html", "sbt-sidebar-nav.html"]}


def setup(app: Sphinx) -> None:
    """Register what is ours with Sphinx."""
    app.add_html_math_renderer("mathml", inline_renderers=(formula, None), block_renderers=(formula, None))
    app.connect("doctree-read", describe_pictures)


def formula(translator, node: nodes.math | nodes.math_block) -> None:
    """A formula in MathML, which browsers show by themselves."""
    if isinstance(node, nodes.math_block):
        translator.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    else:
        translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def describe_pictures(app: Sphinx, page: nodes.document) -> None:
    """Give stored figures the text that is stored beside them; of pictures on other machines leave the text alone."""
    for output in page.findall(nodes.container):
        forms = {form["mime_type"]: form for form in output if "mime_type" in form}
        for picture in (picture for form in forms.values() for picture in form.findall(nodes.image)):
            picture["alt"] = forms["text/plain"].astext()
    for picture in list(page.findall(nodes.image)):
        if "://" in picture["uri"]:
            picture.replace_self(nodes.Text(picture["alt"]))
