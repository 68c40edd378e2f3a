// A finger that lands on a slider may be about to scroll the page. Browsers move the slider to it at
// once; here it keeps its value until the finger has moved sideways, or was a tap.
const WAY = 8;                            // CSS pixels that tell a drag from a tap
let touch = null;                         // { slider, value, wanted, x, y, state: 'open', 'drag', 'over' }

const isSlider = target => target instanceof Element && target.matches('input[type=range]');

const give = (slider, value) => {
  slider.value = value;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  slider.dispatchEvent(new Event('change', { bubbles: true }));
};

addEventListener('pointerdown', event => {
  touch = null;
  if (event.pointerType !== 'touch' || !isSlider(event.target)) return;
  const { clientX: x, clientY: y } = event, slider = /** @type {HTMLInputElement} */ (event.target);
  touch = { slider, value: slider.value, x, y, state: 'open' };
}, true);

addEventListener('pointermove', event => {
  if (touch?.state !== 'open') return;
  const [across, down] = [event.clientX - touch.x, event.clientY - touch.y].map(Math.abs);
  if (across > WAY && across > down) touch.state = 'drag';
}, true);

addEventListener('pointercancel', () => { if (touch?.state === 'open') touch.state = 'over'; }, true);

addEventListener('pointerup', () => {
  if (touch?.state !== 'open') return;
  const { slider, value, wanted = value } = touch;
  touch = null;
  if (wanted !== value) setTimeout(give, 0, slider, wanted); // after the browser's own
}, true);

// The browser's own, which our listener outruns.
for (const type of ['input', 'change']) {
  addEventListener(type, event => {
    if (!event.isTrusted || event.target !== touch?.slider || touch.state === 'drag') return;
    event.stopImmediatePropagation();
    if (type === 'input') touch.wanted = touch.slider.value;
    touch.slider.value = touch.value;
  }, true);
}
