// A WS-Federation (passive) and SAML-P relying party built from passport-wsfed-saml2 and express.
//   node wsfed-rp.mjs HOST PORT REALM IDP-URL IDP-CERT.pem [BASE-URL]
// GET /login starts the sign-in; the token is posted to /callback; the profile comes out as JSON.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const dir = process.env.LAB_NODE_DIR || join(process.env.LAB_STATE || '/tmp/sekisho-lab', 'clients');
const require = createRequire(join(dir, 'package.json'));
const express = require('express');
const passport = require('passport');
const { Strategy } = require('passport-wsfed-saml2');

const [host, port, realm, idp, certFile, base] = process.argv.slice(2);
const cert = readFileSync(certFile, 'utf8').replace(/-----[A-Z ]+-----|\s/g, '');
passport.use('wsfed', new Strategy({
  realm, identityProviderUrl: idp, cert, protocol: process.env.PROTOCOL || 'wsfed',
  wreply: `${base ?? `http://${host}:${port}`}/callback`, callbackURL: `${base ?? `http://${host}:${port}`}/callback`,
}, (profile, done) => done(null, profile)));

const app = express();
app.use(express.urlencoded({ extended: false, limit: '1mb' }));
app.use(passport.initialize());
app.get('/login', passport.authenticate('wsfed', { session: false }));
app.post('/callback', (req, res, next) => passport.authenticate('wsfed', { session: false }, (err, user, info) => {
  if (err || !user) return res.status(403).json({ error: String(err?.message ?? info?.message ?? info) });
  res.json({ user });
})(req, res, next));
app.listen(Number(port), host);
