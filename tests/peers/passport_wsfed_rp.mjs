// passport-wsfed-saml2 as the relying party, driven by `fetch`: it makes the request, we sign in without a browser,
// it validates our token with all its checks on.
//   node passport_wsfed_rp.mjs REALM IDP-URL IDP-CERT.pem CALLBACK USER PASSWORD [wsfed|samlp|wsfed-changed]
// Prints {"profile"} or {"error"}. `wsfed-changed` changes the user's name in the token before the library sees it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.SEKISHO_NODE_DIR, 'package.json'));
const { Strategy } = require('passport-wsfed-saml2');

const [realm, idp, certFile, callback, user, password, mode = 'wsfed'] = process.argv.slice(2);
const protocol = mode === 'samlp' ? 'samlp' : 'wsfed';
const cert = readFileSync(certFile, 'utf8').replace(/-----[A-Z ]+-----|\s/g, '');

// The library keeps `state` and the request's id in the session of the application.
const session = {};
const strategy = new Strategy(
  { realm, identityProviderUrl: idp, cert, protocol, wreply: protocol === 'wsfed' ? callback : undefined, homeRealm: '',
    state: true, recipientUrl: callback, destinationUrl: callback, checkExpiration: true },
  (profile, done) => done(null, profile));

/** Runs the strategy for one request and says what it decided. */
const run = (method, body) => new Promise((resolve) => {
  const decided = Object.create(strategy);
  Object.assign(decided, {
    redirect: (url) => resolve({ url }),
    success: (profile) => resolve({ profile }),
    fail: (info) => resolve({ error: String(info?.message ?? info) }),
    error: (error) => resolve({ error: String(error?.message ?? error) }),
  });
  decided.authenticate({ method, query: {}, body, headers: {}, get() {}, session }, {});
});

const jar = new Map();
/** Follows redirects with the cookies so far. */
async function go(url, init = {}) {
  const answer = await fetch(url, { redirect: 'manual', ...init,
    headers: { 'accept-language': 'en', cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '), ...init.headers } });
  for (const line of answer.headers.getSetCookie()) {
    const [name, ...value] = line.split(';')[0].split('=');
    if (value.join('=')) jar.set(name, value.join('=')); else jar.delete(name);
  }
  return answer.status === 302 ? go(answer.headers.get('location')) : { text: await answer.text(), url };
}
const unescape = (text) => text.replace(/&quot;/g, '"').replace(/&lt;/g, '<').replace(/&gt;/g, '>')
  .replace(/&#(x?)([0-9a-f]+);/gi, (_, hex, digits) => String.fromCodePoint(parseInt(digits, hex ? 16 : 10))).replace(/&amp;/g, '&');
function end(said) {
  console.log(JSON.stringify(said));
  process.exit(0);
}

const start = await run('GET', {});
if (!start.url) end({ error: `no redirect: ${JSON.stringify(start)}` });
const page = await go(start.url);
const action = unescape(/<form [^>]*id="loginForm"[^>]*action="([^"]*)"/.exec(page.text)?.[1] ?? '');
if (!action) end({ error: `no sign-in form: ${page.text}` });
const answer = await go(new URL(action, page.url), { method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ UserName: user, Password: password, AuthMethod: 'FormsAuthentication' }) });
const body = {};
for (const [, name, value] of answer.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)" \/>/g)) body[name] = unescape(value);
if (!body.wresult && !body.SAMLResponse) end({ error: `no response: ${answer.text}` });
if (mode === 'wsfed-changed') body.wresult = body.wresult.replaceAll(user, `x${user}`);
end(await run('POST', body));
