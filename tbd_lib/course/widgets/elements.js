// What all modules of a page share: elements, keys and bytes; and the still that a live widget takes the place of.

const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" }; // of what has the focus, or JupyterLab's x cuts the cell
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SVG = "http://www.w3.org/2000/svg";

const bytes = (view) => new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength);
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

const filled = (made, traits, children) => {
  for (const [name, value] of Object.entries(traits)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};
const make = (tag, traits = {}, children = []) => filled(document.createElement(tag), traits, children);
const shape = (tag, traits = {}, children = []) => filled(document.createElementNS(SVG, tag), traits, children);

/** A style that hides the captions of stills, and with them the line that JupyterLab gives to each. */
function hiding(stills) {
  const rules = stills.map((name) => `.${name}, .${name} * { display: none }`);
  const lines = stills.map((name) => `.jp-OutputArea-child:has(.${name}) { display: none }`);
  return make("style", {}, [[...rules, ...lines].join("\n")]);
}
