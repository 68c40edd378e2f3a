// ---- Screens -----------------------------------------------------------------------------------

const QUESTIONS = {
  rating: 'How good is this picture?',
  real: 'Which looks more like a real photo?',
  closer: 'Which is closer to the original?',
};
const KEYS = {
  rating: 'Keys: 1 to 5.',
  choice: 'Keys: ← for picture 1, → for picture 2, ↓ or 0 for no difference.',
};
const LABELS = { 1: '1 bad', 5: '5 excellent' };

let painted = null;                       // when the trial could be seen [ms]; null: not yet, or answered

function show(data) {
  painted = null;
  const isOther = root.dataset.shown !== data.screen;
  root.dataset.shown = data.screen;
  for (const section of all('section')) section.hidden = section.dataset.screen !== data.screen;
  for (const note of all('.note')) note.textContent = data.message;
  ({ start: showStart, calibration: showCalibration, trial: showTrial, results: showResults })[data.screen](data);
  layout();
  if (isOther && root.getBoundingClientRect().top < 0) root.scrollIntoView();
}

function showStart(data) {
  all('[data-screen="start"] [data-part]').forEach(card => {
    nameButton(find('.begin', card), card.dataset.part, data);
  });
  if (data.rivals.length) {               // as trials.py has them: 8 trials for every two methods
    const n = data.rivals.length, pairs = 25 + 8 * (2 * n + n * (n - 1) / 2);
    find('.pairs').textContent = pairs + ' pairs, among them of ' + data.rivals.join(' and ')
      + ': about ' + Math.round(pairs * 4 / 25) + ' minutes.';
  }
  find('.synced').hidden = !data.is_synced;
  find('.forget').hidden = !data.ticket;
  ask(false);
}

function showResults(data) {
  for (const button of all('[data-screen="results"] .begin')) {
    const part = button.dataset.part;
    nameButton(button, part, data);
    button.textContent = button.dataset.name + ': ' + button.textContent.toLowerCase();
    button.hidden = data.done[part] === data.total[part];
  }
}

function nameButton(button, part, data) {
  const done = data.done[part] ?? 0, total = data.total[part];
  button.textContent = !done ? 'Start' : done === total ? 'See the results' : 'Go on (' + done + ' of ' + total + ' done)';
  button.setAttribute('aria-label', button.dataset.name + ': ' + button.textContent);
}

// Whether to delete, once more.
function ask(isAsking) {
  find('.sure').hidden = !isAsking;
  find('.erase').hidden = isAsking;
}

function showCalibration(data) {
  const section = find('[data-screen="calibration"]');
  all('figcaption', section).forEach((caption, i) => { caption.textContent = LABELS[data.answers[i]]; });
  paint(find('.stage', section), data.pictures).catch(() => broken(data));
}

function showTrial(data) {
  const section = find('[data-screen="trial"]'), isRating = data.kind === 'rating';
  const total = data.total[data.part];
  find('.count').textContent = data.place + ' of ' + total;
  Object.assign(find('progress'), { max: total, value: data.place - 1 });
  find('.question').textContent = QUESTIONS[data.kind];
  find('.keys').textContent = KEYS[isRating ? 'rating' : 'choice'];
  find('.rating').hidden = !isRating;
  find('.choice').hidden = isRating;
  find('.second').hidden = isRating;
  find('.reference').hidden = !data.reference;
  for (const button of all('.answers button')) {
    button.setAttribute('aria-disabled', 'true');
    button.toggleAttribute('data-chosen', false);
  }
  const [first, ...second] = data.pictures;
  const texts = data.reference ? [first, data.reference, ...second] : data.pictures;
  paint(find('.stage', section), texts).then(() => {
    if (props.value.serial !== data.serial) return;
    painted = performance.now();
    for (const button of all('.answers button')) button.removeAttribute('aria-disabled');
    announce(find('.count').textContent + '. ' + QUESTIONS[data.kind] + ' ' + data.message);
  }).catch(() => broken(data));
}

function announce(text) { find('.live').textContent = text; }
