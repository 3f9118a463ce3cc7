// Start Debian's Chromium the way the lab needs it. Import `open` or run this file:
//   node lab-browser.mjs URL [--shot FILE] [--fill SELECTOR=VALUE]... [--click SELECTOR]... [--lang LANGUAGE]
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const state = process.env.LAB_STATE || '/tmp/sekisho-lab';
const require = createRequire(join(state, 'browser', 'package.json'));
const { chromium } = require('playwright-core');

export async function open({ lang = 'en', ...more } = {}) {
  const profile = mkdtempSync(join(state, 'browser', 'profile-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    chromiumSandbox: false,
    viewport: { width: 1280, height: 800 },
    locale: lang,
    // HOME leads to the certificate database with the trusted authorities
    env: { ...process.env, HOME: join(state, 'browser', 'home') },
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--no-proxy-server', '--disable-dev-shm-usage'],
    ...more,
  });
  const close = async () => { await context.close(); rmSync(profile, { recursive: true, force: true }); };
  return { context, page: context.pages()[0] ?? await context.newPage(), close };
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const a = process.argv.slice(2);
  const url = a.shift();
  const all = (n) => a.flatMap((x, i) => (x === n ? [a[i + 1]] : []));
  const b = await open({ lang: all('--lang')[0] });
  try {
    const r = await b.page.goto(url, { waitUntil: 'load', timeout: 30000 });
    for (const f of all('--fill')) { const i = f.lastIndexOf('='); await b.page.fill(f.slice(0, i), f.slice(i + 1)); }
    for (const s of all('--click')) {
      await b.page.click(s);
      await b.page.waitForLoadState('networkidle');
    }
    for (const s of all('--shot')) await b.page.screenshot({ path: s, fullPage: true });
    console.log(JSON.stringify({ status: r?.status(), url: b.page.url(), title: await b.page.title(), text: (await b.page.innerText('body')).slice(0, 8000) }, null, 1));
  } catch (e) {
    console.log(JSON.stringify({ error: e.message.split('\n')[0], url: b.page.url() }));
    process.exitCode = 1;
  } finally { await b.close(); }
}
