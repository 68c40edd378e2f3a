// ---- Ticket ------------------------------------------------------------------------------------
// All that is kept in the browser; where it keeps nothing, it lasts as long as the page.

const KEY = 'blind-test';
let ticket = '';
try { ticket = localStorage.getItem(KEY) ?? ''; } catch { /* private: nothing is kept */ }

function keep(value) {
  ticket = value;
  try {
    if (value) localStorage.setItem(KEY, value);
    else localStorage.removeItem(KEY);
  } catch { /* as above */ }
}

// ---- Server ------------------------------------------------------------------------------------

const PATIENCE = 10000;                   // ms
const SILENCE = 'The server does not answer. Please try again in a moment.';
let last = null;                          // what was sent last, to be sent again
let timer = null;

function send(name, details = {}) {
  last = [name, details];
  find('.failure').hidden = true;
  clearTimeout(timer);
  timer = setTimeout(fail, PATIENCE, SILENCE);
  trigger(name, { ...details, ticket });
}

function fail(reason) {
  find('.reason').textContent = reason;
  find('.failure').hidden = false;
  find('.retry').focus();
}

// Not if others have taken their place by now.
function broken(data) {
  if (data.serial === props.value.serial) fail('The pictures cannot be shown.');
}

function receive() {
  const data = props.value;
  if (!data) return;
  clearTimeout(timer);
  if (data.screen === 'failure') { fail(data.message); return; }
  find('.failure').hidden = true;
  keep(data.ticket);
  show(data);
  // Where the focus was is gone or means something else now. Not at the first look: nobody asked.
  const active = document.activeElement;
  if (last?.[0] !== 'look' || last[1].isAsked) {
    if (active === document.body || root.contains(active)) find('section:not([hidden]) h2').focus({ preventScroll: true });
  }
  if (data.screen !== 'trial') announce(find('section:not([hidden]) h2').textContent + '. ' + data.message);
}

// ---- Hands -------------------------------------------------------------------------------------

const begin = (part, calibrated) => send('begin', { part, calibrated });

function answer(value) {
  if (painted === null) return;
  const seconds = (performance.now() - painted) / 1000;
  painted = null;
  find('[data-answer="' + value + '"]').toggleAttribute('data-chosen', true);
  const { part, trial } = props.value;
  send('vote', { part, trial, answer: value, seconds });
}

root.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  const is = name => button.classList.contains(name);
  if (button.dataset.answer) answer(button.dataset.answer);
  else if (is('begin')) begin(button.closest('[data-part]').dataset.part, false);
  else if (is('calibrated')) begin('ratings', true);
  else if (is('home')) send('look', { isAsked: true });
  else if (is('retry')) send(...last);
  else if (is('erase')) { ask(true); find('.keep').focus(); }
  else if (is('keep')) { ask(false); find('.erase').focus(); }
  else if (is('confirm')) send('erase');
});

const CHOICES = { ArrowLeft: 'left', ArrowRight: 'right', ArrowDown: 'same', 0: 'same' };

root.addEventListener('keydown', event => {
  if (root.dataset.shown !== 'trial' || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const isRating = !find('.rating').hidden;
  const value = isRating ? /^[1-5]$/.test(event.key) && event.key : CHOICES[event.key];
  if (!value) return;
  event.preventDefault();
  answer(value);
});

watch('value', receive);
show(props.value);
if (ticket) send('look');
