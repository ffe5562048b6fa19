// What the inspector shows: ten score maps of every object, and for a cell the template that matches it best.

/** Everything that the scores of a frame are made of, all of it from the graphs. */
export async function lookInto(engine, tracker, features, state) {
  const distances = (await engine.distances(features.key)).data;
  const [local] = await engine.run("affinity", features.key, state.key);
  const objects = [];
  for (const { ids, scores } of await tracker.matched(features, state, state.cohorts, false)) {
    const { templates, entered } = state.cohorts.find((cohort) => cohort.ids === ids);
    const [global] = await engine.run("affinity", features.key, templates.firstKey);
    const places = global.dims[1];
    ids.forEach((id, i) => {
      const share = (mask, region) => mask.data.subarray((2 * i + region) * places, (2 * i + region + 1) * places);
      const sources = {
        global: { cosine: global.data, share: [0, 1].map((region) => share(templates.firstMask, region)) },
        local: { cosine: local.data, share: [0, 1].map((region) => share(templates.prevMask, region)), distances },
      };
      objects.push({ id, entered, scores: scores[i].data, sources, places });
    });
  }
  return { objects };
}

/** The best match of a cell for global and local, background (0) and foreground (1), and the factors of its score. */
export function bestMatches({ objects }, number, cell) {
  const { sources, places } = objects.find(({ id }) => id === number);
  const found = {};
  for (const [kind, { cosine, share, distances }] of Object.entries(sources)) {
    found[kind] = share.map((shares) => {
      let best = { score: -Infinity };
      for (let p = 0; p < places; p++) {
        const near = distances ? distances[cell * places + p] : 1;
        const score = shares[p] * cosine[cell * places + p] * near;
        if (score > best.score) best = { cell: p, share: shares[p], cosine: cosine[cell * places + p], near, score };
      }
      return best;
    });
  }
  return found;
}
