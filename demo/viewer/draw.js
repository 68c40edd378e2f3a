// ---- Drawing -----------------------------------------------------------------------------------

const LENS = 0.4;                         // side of the magnifier, as a share of the shorter side
const lensAt = { x: NaN, y: NaN };        // its middle in device pixels of every canvas

let frame = 0;
const redraw = () => { frame ||= requestAnimationFrame(draw); };

function draw() {
  frame = 0;
  const scale = currentScale(), { left, top } = corner(scale);
  for (const sheet of sheets()) paint(sheet, scale, left, top);
  setText(find('.zoom'), percent(scale));
  const { width, height } = scene;
  root.toggleAttribute('data-movable', width * scale > stage.width || height * scale > stage.height);
  root.style.setProperty('--split', Math.round(view.split * stage.width) / stage.ratio + 'px');
  placeRegion(scale, left, top);
  Object.assign(root.dataset, { scale, left, top });
  remember();
}

// The canvases that can be seen, each with its pictures side by side: of one picture the device
// pixels from `from` to `to` of the width are shown.
function sheets() {
  const whole = picture => [{ picture, from: 0, to: stage.width }];
  if (!isAlone()) return [...panes.values()].map(p => ({ canvas: p.canvas, parts: whole(p.picture) }));
  const { canvas } = single;
  if (view.mode === 'flicker') return [{ canvas, parts: whole(panes.get(view.shown)?.picture) }];
  const [a, b] = view.pair[view.mode].map(key => panes.get(key)?.picture);
  if (view.mode === 'difference') return [{ canvas, parts: whole(a && b && difference(a, b, view.gain)) }];
  const middle = Math.round(view.split * stage.width);
  return [{ canvas, parts: [{ ...whole(a)[0], to: middle }, { ...whole(b)[0], from: middle }] }];
}

function paint({ canvas, parts }, scale, left, top) {
  if (canvas.width !== stage.width) canvas.width = stage.width;
  if (canvas.height !== stage.height) canvas.height = stage.height;
  const pen = canvas.getContext('2d');
  pen.clearRect(0, 0, stage.width, stage.height);
  for (const { picture, from, to } of parts) {
    paintScene(pen, picture, [from, 0, to - from, stage.height], scale, left, top);
  }
  if (view.lens) paintLens(pen, parts, scale, left, top);
}

// A picture with its corner at (left, top), within a box of whole device pixels.
function paintScene(pen, picture, box, scale, left, top) {
  if (!picture) return;
  pen.save();
  pen.beginPath();
  pen.rect(...box);
  pen.clip();
  pen.imageSmoothingEnabled = view.smooth || scale < 1;
  pen.drawImage(halved(picture, scale), left, top, scene.width * scale, scene.height * scale);
  pen.restore();
}

// The magnifier shows the same place in all panes, four times as large as around it.
function paintLens(pen, parts, scale, left, top) {
  const side = 2 * Math.round(LENS * Math.min(stage.width, stage.height) / 2);
  const x = Math.round(lensAt.x) || stage.width >> 1, y = Math.round(lensAt.y) || stage.height >> 1;
  const large = clamp(Math.round(4 * scale), 2, MOST);
  const { picture } = parts.find(({ from, to }) => from <= x && x < to) ?? parts[0];
  const box = [clamp(x - side / 2, 0, stage.width - side), clamp(y - side / 2, 0, stage.height - side)];
  pen.clearRect(...box, side, side);
  const at = (middle, corner, start) => Math.round(start + side / 2 - (middle - corner) / scale * large);
  paintScene(pen, picture, [...box, side, side], large, at(x, left, box[0]), at(y, top, box[1]));
  for (const inset of [0, 1]) {
    const line = Math.max(1, Math.round(stage.ratio)), edge = (inset + 0.5) * line;
    pen.strokeStyle = inset ? '#fff' : '#000';
    pen.lineWidth = line;
    pen.strokeRect(box[0] + edge, box[1] + edge, side - 2 * edge, side - 2 * edge);
  }
}

// Below 1:1 there are fewer device pixels than image pixels. Picking some of them would show patterns
// that are in no picture, so they are averaged: the picture is halved, each pixel the mean of four,
// until it has about the wanted size. By ourselves, for browsers differ and are slow at it.
function halved(picture, scale) {
  const times = Math.max(0, Math.round(-Math.log2(scale)));
  while (picture.length <= times) {
    const last = picture.at(-1);
    picture.push(resized(last, Math.ceil(last.width / 2), Math.ceil(last.height / 2), true));
  }
  return picture[times];
}

function resized(image, width, height, isSmooth) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext('2d');
  pen.imageSmoothingEnabled = isSmooth;
  pen.drawImage(image, 0, 0, width, height);
  return canvas;
}

// The last difference: of which pictures, its levels before the gain, and the picture with it.
let last = {};

// A picture in gray: the largest difference of the three channels times the gain.
function difference(a, b, gain) {
  const isSame = last.a === a && last.b === b;
  if (isSame && last.gain === gain) return last.picture;
  const { width, height } = a[0], [p, q] = isSame ? [] : [a, b].map(pixels);
  const levels = isSame ? last.levels : new Uint8Array(width * height);
  const gray = new ImageData(width, height), words = new Uint32Array(gray.data.buffer);
  for (let i = 0, j = 0; i < words.length; i++, j += 4) {
    if (p) {
      levels[i] = Math.max(Math.abs(p[j] - q[j]), Math.abs(p[j + 1] - q[j + 1]), Math.abs(p[j + 2] - q[j + 2]));
    }
    words[i] = 0xff000000 | Math.min(255, levels[i] * gain) * 0x010101;
  }
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  canvas.getContext('2d').putImageData(gray, 0, 0);
  last = { a, b, gain, levels, picture: [canvas] };
  return last.picture;
}

const pixels = ([canvas]) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;

// Gives panes their size, in whole device pixels: two columns that a browser rounds differently
// could not show the same. The excess of 0.01 outlives the browser's own rounding down to 1/64.
function layout() {
  const room = find('.room').clientWidth;
  if (!panes.size || !room) return;
  const isWhole = currentScale() === fitScale();
  const { columns, width, height } = arrange(panes.size, room);
  stage.ratio = devicePixelRatio;
  stage.width = Math.floor(Math.floor(width) * stage.ratio);
  stage.height = Math.floor(Math.floor(height) * stage.ratio);
  const css = pixels => (pixels + 0.01) / stage.ratio + 'px';
  const style = { columns, gap: GAP + 'px', width: css(stage.width), height: css(stage.height) };
  for (const [name, value] of Object.entries(style)) root.style.setProperty('--' + name, value);
  if (isWhole) view.zoom = FIT;           // who saw the whole picture still does
  moveTo(view.x, view.y);
  draw();                                 // now: a canvas must not be seen stretched, even for a frame
}
