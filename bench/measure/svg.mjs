/** Draws line graphs as SVG. Both axes are logarithmic, so proportional growth is a straight line of slope one. */

const WIDTH = 640;
const HEIGHT = 400;
const LEFT = 70;
const RIGHT = 170;
const TOP = 40;
const BOTTOM = 50;
const COLOURS = ['#1b6ca8', '#c2410c', '#15803d', '#7e22ce', '#a16207', '#be123c'];

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const round = (value) => Number(value.toFixed(1));
const label = (value) =>
  value >= 1e6
    ? `${value / 1e6} M`
    : value >= 1e3
      ? `${value / 1e3} k`
      : String(Number(value.toPrecision(3)));

/** Returns the powers of ten in a range, and some values between them if there are few. */
const ticks = (from, to) => {
  const decades = Array.from(
    { length: Math.ceil(Math.log10(to)) - Math.floor(Math.log10(from)) + 1 },
    (_, at) => 10 ** (Math.floor(Math.log10(from)) + at),
  );
  const steps = to / from > 200 ? [1] : to / from > 15 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 7];
  return decades
    .flatMap((decade) => steps.map((step) => decade * step))
    .filter((at) => at >= from && at <= to);
};

/** Maps values to coordinates, over a range of at least a power of ten, so that small changes look small. */
const scale = (values, start, end) => {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const middle = Math.sqrt(least * most);
  const [from, to] = [Math.min(least, middle / Math.sqrt(10)), Math.max(most, middle * Math.sqrt(10))];
  const place = (value) => round(start + (Math.log(value / from) / Math.log(to / from)) * (end - start));
  return { place, ticks: ticks(from, to) };
};

const text = (x, y, anchor, content) =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(content)}</text>`;

/**
 * @param {{ title: string, x: string, y: string,
 *   series: readonly { name: string, points: readonly (readonly [number, number])[] }[] }} graph
 *   points that are not above zero have no place on a logarithmic axis and are left out
 */
export const lineGraph = ({ title, x, y, series }) => {
  const curves = series
    .map(({ name, points }) => ({
      name,
      points: points.filter((point) => point.every((value) => value > 0)),
    }))
    .filter(({ points }) => points.length > 0);
  if (curves.length === 0) throw new Error(`nothing to draw: ${title}`);
  const all = curves.flatMap(({ points }) => points);
  const across = scale(
    all.map(([value]) => value),
    LEFT,
    WIDTH - RIGHT,
  );
  const up = scale(
    all.map(([, value]) => value),
    HEIGHT - BOTTOM,
    TOP,
  );
  const grid = [
    ...across.ticks.flatMap((value) => [
      `<path class="grid" d="M${across.place(value)} ${TOP}V${HEIGHT - BOTTOM}"/>`,
      text(across.place(value), HEIGHT - BOTTOM + 18, 'middle', label(value)),
    ]),
    ...up.ticks.flatMap((value) => [
      `<path class="grid" d="M${LEFT} ${up.place(value)}H${WIDTH - RIGHT}"/>`,
      text(LEFT - 8, up.place(value) + 4, 'end', label(value)),
    ]),
  ];
  const lines = curves.flatMap(({ name, points }, at) => {
    const colour = COLOURS[at % COLOURS.length];
    const places = points.map(([a, b]) => [across.place(a), up.place(b)]);
    return [
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${places.map((place) => place.join(',')).join(' ')}"/>`,
      ...places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`),
      `<rect x="${WIDTH - RIGHT + 16}" y="${TOP + at * 20}" width="12" height="12" fill="${colour}"/>`,
      text(WIDTH - RIGHT + 34, TOP + at * 20 + 10, 'start', name),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    '<style>.grid{stroke:#ddd}</style>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<g font-size="14">${text(LEFT, 22, 'start', title)}</g>`,
    ...grid,
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, 'middle', x),
    `<g transform="rotate(-90 16 ${(TOP + HEIGHT - BOTTOM) / 2})">${text(16, (TOP + HEIGHT - BOTTOM) / 2, 'middle', y)}</g>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
};
