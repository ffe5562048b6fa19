"""How good masks are: J and F, reports, the published scores beside ours, archives for the benchmarks' servers."""
