// Chromium walks through the whole demo and takes pictures.
//   node browser.mjs BASE-URL USER PASSWORD LANGUAGE PICTURE-FOLDER MUST-CHANGE-USER
// Prints JSON: what each page said, and under "problems" what the browser's console complained about.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(join(process.env.SEKISHO_NODE_DIR, 'package.json'));
const { chromium } = require('playwright-core');
const [base, user, password, language, pictures, frank] = process.argv.slice(2);

const folder = mkdtempSync(join(tmpdir(), 'sekisho-browser-'));
const browser = await chromium.launch({
  executablePath: process.env.SEKISHO_CHROMIUM || '/usr/bin/chromium',
  headless: true, chromiumSandbox: false,
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--no-proxy-server', '--disable-dev-shm-usage'],
  env: { ...process.env, HOME: folder },
});
const problems = [];
const said = {};
let page;

/** A window of a new person, who is served in `language`. */
async function person(options = {}) {
  const context = await browser.newContext({ locale: language, ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(20_000);
  page = await context.newPage();
  page.on('console', (message) => { if (message.type() === 'error') problems.push(`${page.url()}: ${message.text()}`); });
  page.on('response', (response) => { if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`); });
  page.on('pageerror', (error) => problems.push(`${page.url()}: ${error}`));
  return context;
}
const picture = (name) => page.screenshot({ path: join(pictures, `${language}-${name}.png`), fullPage: true });
const text = (selector) => page.innerText(selector);
/** The error line, once it says something else than before. */
async function error(before = '') {
  await page.waitForFunction((known) => {
    const shown = document.querySelector('#errorText')?.innerText.trim();
    return shown && shown !== known;
  }, before);
  return text('#errorText');
}

try {
  await person();
  await page.goto(`${base}/claimsxray`);
  said.start = await page.title();
  await picture('1-xray-start');

  await page.click('#wsfed-saml11');
  await page.waitForSelector('#loginForm');
  said.signIn = await page.title();
  said.lang = await page.getAttribute('html', 'lang');
  said.focus = await page.evaluate(() => document.activeElement.id);
  await picture('2-sign-in');

  await page.fill('#userNameInput', 'nobody');
  await page.click('#submitButton');
  said.badName = await error();
  await page.fill('#userNameInput', user);
  await page.click('#submitButton');
  said.emptyPassword = await error(said.badName);
  await page.fill('#passwordInput', 'not the password');
  await Promise.all([page.waitForNavigation(), page.press('#passwordInput', 'Enter')]);
  said.wrongPassword = await error();
  said.keptUser = await page.inputValue('#userNameInput');
  said.keptPassword = await page.inputValue('#passwordInput');
  await picture('3-wrong-password');

  await page.fill('#passwordInput', password);
  await page.click('#submitButton');
  await page.waitForURL('**/claimsxray/wsfed');
  said.wsfed = await text('body');
  await picture('4-xray-wsfed-saml11');
  await page.click('#xml summary');
  await picture('4-xray-wsfed-saml11-xml');

  // The session serves without a page.
  for (const [name, button, where] of [['saml', '#saml20', 'saml'], ['wsfed20', '#wsfed-saml20', 'wsfed']]) {
    await page.click('#againLink');
    await page.waitForSelector('#xrayForm');
    await page.click(button);
    await page.waitForURL(`**/claimsxray/${where}`);
    said[name] = await text('body');
    await picture(`5-xray-${name}`);
  }

  // The same response once more.
  await page.reload();
  said.reload = await text('body');
  await picture('5-xray-reload');

  // A fresh sign-in is asked for although there is a session.
  await page.goto(`${base}/claimsxray`);
  await page.check('#fresh');
  await page.click('#saml20');
  await page.waitForSelector('#loginForm');
  said.fresh = await page.title();

  await page.goto(`${base}/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3Anobody`);
  said.error = await text('#errorMessage');
  await page.click('#errorDetailsLink');
  said.errorDetails = await text('#errorDetails');
  await picture('6-error');

  // A person who must change the password.
  await person();
  await page.goto(`${base}/claimsxray/start?protocol=wsfed-saml11`);
  await page.fill('#userNameInput', frank);
  await page.fill('#passwordInput', password);
  await page.click('#submitButton');
  await page.waitForSelector('#newPasswordInput');
  said.change = await text('#updatePasswordMessage');
  await page.fill('#oldPasswordInput', password);
  await page.fill('#newPasswordInput', `New-${language}-Secret-99`);
  await page.fill('#confirmNewPasswordInput', 'something else');
  await page.click('#submitButton');
  said.mismatch = await error();
  await picture('7-change-password');
  await page.fill('#confirmNewPasswordInput', `New-${language}-Secret-99`);
  await page.click('#submitButton');
  await page.waitForURL('**/claimsxray/wsfed');
  said.changed = await text('body');

  // A telephone, and a dark screen.
  await person({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  await page.goto(`${base}/claimsxray/start?protocol=saml20`);
  await page.waitForSelector('#loginForm');
  said.overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await picture('8-sign-in-phone');
  await page.fill('#userNameInput', user);
  await page.fill('#passwordInput', password);
  await page.press('#passwordInput', 'Enter');
  await page.waitForURL('**/claimsxray/saml');
  await picture('9-xray-phone');

  // Scripts are off: buttons of the pages themselves.
  await person({ javaScriptEnabled: false });
  await page.goto(`${base}/claimsxray/start?protocol=saml20`);
  await page.fill('#userNameInput', user);
  await page.fill('#passwordInput', password);
  await picture('10-sign-in-without-scripts');
  await page.click('#submissionArea button[type=submit]');
  await page.click('form[name=hiddenform] input[type=submit]');
  await page.waitForURL('**/claimsxray/saml');
  said.withoutScripts = await text('#nameId');

  said.problems = problems;
  console.log(JSON.stringify(said));
} catch (failure) {
  await picture('failed').catch(() => {});
  console.log(JSON.stringify({ failed: String(failure), url: page?.url(), problems, ...said }));
  process.exitCode = 1;
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
