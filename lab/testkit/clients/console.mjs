// The way of people who decide, in Chromium, by keyboard, on a telephone and on a desk: an approver at the console, somebody
// without the role before it, and people whose calls wait for their yes. Argument: a file of JSON:
//   issuer, console            the origins of the door and of its console
//   approver, outsider         username and password at Entra
//   turns                      what is decided at each width: { width, approves, goes_back, rejects, caller, yes, no, wrong }, things as
//                              { server, kind, name }, questions as their addresses, callers as usernames and passwords
//   dense                      a thing that changed in many places; nobody decides about it
//   chromium, screenshots      the program, and the folder for its pictures
// Prints one JSON object: the steps that were gone, the pictures, and the problems, of which there must be none.
import { mkdirSync, readFileSync } from 'node:fs';
import { Findings, look } from './browser_checks.mjs';
import { begin, start } from './browser_way.mjs';

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const findings = new Findings();
const steps = [];
mkdirSync(plan.screenshots, { recursive: true });

function expect(way, what, holds, seen) {
  steps.push(`${way.width} px: ${what}`);
  if (!holds) findings.say(`${way.width} px: ${what}`, `not so: ${JSON.stringify(seen)}`);
}

const counts = ({ kind, name, server }) => `The ${kind} ${name} of ${server}`;
const lookAt = ({ kind, name, server }) => `Look at the ${kind} ${name} of ${server}`;

// An approver comes in by the door's own address, finds what waits, reads it and decides.
async function decides(way, turn) {
  await way.open(`${plan.issuer}/account/console`, 'home');
  await way.throughEntra(plan.approver);
  expect(way, 'the approver is at the console', way.at(`${plan.console}/`), way.page.url());
  await look(way.page, 'home', way);

  await way.press(lookAt(plan.dense), 'dense');
  await look(way.page, 'dense', way);
  const words = await way.words();
  expect(way, 'what is invisible is shown by its number', words.includes('⟨U+200B⟩') && words.includes('⟨U+0430⟩'), words);
  const told = await way.page.$$eval('ins', (all) => all.map((each) => getComputedStyle(each, '::before').content));
  expect(way, 'a screen reader hears what was added', told.length > 0 && told.every((each) => each.includes('added')), told);
  await way.tabTo('All of it');
  await way.page.keyboard.press('Enter');
  await look(way.page, 'whole', way);

  // Nothing is decided without a reason: the browser says so itself, and stays.
  await way.tabTo('Approve');
  await way.page.keyboard.press('Enter');
  const missing = await way.page.$eval('#reason', (reason) => reason.validity.valueMissing && reason === document.activeElement);
  expect(way, 'the missing reason has the focus', missing && way.at(`${plan.console}/pin`), way.page.url());
  await way.press('Leave it');

  await way.press(lookAt(turn.approves), 'pin');
  await way.type('Why you decide so', 'read the change log with the team');
  await way.tabTo('An approval counts');
  await way.page.keyboard.type('for 30 days');
  await way.press('Approve', 'approved');
  const said = await way.page.$eval('[role=status]', (status) => status.textContent);
  expect(way, 'the list says what was done', way.at(`${plan.console}/`) && said.includes(`Approved: tool ${turn.approves.name}`), said);
  await look(way.page, 'decided', way);
  await way.press(lookAt(turn.rejects), 'pin');
  await way.type('Why you decide so', 'nobody asked for this');
  await way.press('Reject', 'rejected');
  const links = await way.page.$$eval('main a', (all) => all.map((each) => each.getAttribute('aria-label')));
  const left = [turn.approves, turn.rejects].map(lookAt).filter((each) => links.includes(each));
  expect(way, 'what was decided does not wait any more', left.length === 0 && links.includes(lookAt(plan.dense)), links);

  await way.press(counts(turn.approves), 'pinned');
  await look(way.page, 'pinned', way);
  const stand = await way.words();
  expect(way, 'who decided, why and until when', stand.includes('read the change log with the team'), stand);
  if (turn.goes_back) {
    await way.type('Why you decide so', 'it was better before');
    await way.press('Go back', 'went back');
    const back = await way.page.$eval('[role=status]', (status) => status.textContent);
    expect(way, 'the list says that it went back', back.includes(`Went back to an earlier one: tool ${turn.approves.name}`), back);
  } else await way.press('Leave it');

  // Who may answer for others sees whose call it is, and leaves it to them.
  await way.open(turn.no, 'of-another');
  await way.throughEntra(plan.approver);
  const asked = await way.words();
  expect(way, "another's call is said to be another's", asked.includes('Somebody else makes this call.') && asked.includes('Called by'), asked);
  await look(way.page, 'of-another', way);
  await way.open(`${plan.console}/`, 'home');
  await way.press('Sign out here', 'signed out');
  await look(way.page, 'signed-out', way);
}

// Whoever calls is led to a question of theirs, and answers it.
async function answers(way, turn) {
  const question = async (address, name) => {
    await way.open(address, name);
    await way.throughEntra(turn.caller);
    expect(way, `the question is there: ${name}`, (await way.words()).includes('May this be sent?'), await way.words());
    await look(way.page, name, way);
  };
  await question(turn.yes, 'question');
  const words = await way.words();
  expect(way, 'what is invisible in the arguments is shown', words.includes('⟨U+200B⟩'), words);
  await way.press('Approve this one call', 'answered');
  await look(way.page, 'answered', way);
  expect(way, 'it is approved', (await way.words()).includes('Approved'), await way.words());
  await question(turn.no, 'question-again');
  await way.press('Refuse', 'refused');
  expect(way, 'it is refused', (await way.words()).includes('Refused'), await way.words());
  // Another's question is not there.
  way.deaf();
  await way.open(turn.wrong, 'none');
  await way.throughEntra(turn.caller);
  expect(way, "another's question is not there", (await way.words()).includes('There is no such question'), await way.words());
  await look(way.page, 'none', way);
}

// Somebody without the role gets as far as the door.
async function knocks(way) {
  way.deaf();
  await way.open(`${plan.console}/`, 'outside');
  await way.throughEntra(plan.outsider);
  expect(way, 'without the role there is no way in', way.at(plan.issuer), way.page.url());
  await look(way.page, 'outside', way);
}

const browser = await start(plan);
const settings = { findings, folder: plan.screenshots, ours: [plan.issuer, plan.console] };
try {
  for (const turn of plan.turns) {
    for (const goes of [decides, answers, knocks]) {
      const { context, way } = await begin(browser, turn.width, settings);
      await goes(way, turn);
      await context.close();
    }
  }
} catch (error) {
  findings.say('the way', String(error.stack ?? error));
} finally {
  await browser.close();
}
console.log(JSON.stringify({ steps, shots: findings.shots, problems: findings.problems }));
