// A provider of identities (npm oidc-provider) for tests of other languages: prints its URL, and does what /test/… tells it.
//   /test/keys?kids=b,a   its keys from now on, the first signs; a kid that it had keeps its key
//   /test/asked           how often its documents were asked for since the last time
import { createServer } from 'node:http';
import { webcrypto } from 'node:crypto';

// Debian 12's Node 18 lacks what oidc-provider 9 uses.
URL.parse ??= (text, base) => { try { return new URL(text, base); } catch { return null; } };
globalThis.crypto ??= webcrypto;
const { Provider } = await import('oidc-provider');
const { generateKeyPair, exportJWK } = await import('jose');

const secret = 'secret-of-the-client';
const known = new Map();
let asked = {};
let provider;
let handle;

async function key(kid) {
  if (!known.has(kid)) {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    known.set(kid, { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid });
  }
  return known.get(kid);
}

async function use(issuer, kids) {
  const keys = [];
  for (const kid of kids) keys.push(await key(kid));
  provider = new Provider(issuer, {
    clients: ['alice', 'bob', 'gateway'].map((client_id) => ({
      client_id, client_secret: secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], id_token_signed_response_alg: 'ES256',
    })),
    jwks: { keys },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:chat',
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({
          scope: 'staff', audience: resource, accessTokenTTL: 600, accessTokenFormat: resource === 'urn:opaque' ? 'opaque' : 'jwt', jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    extraTokenClaims: () => ({ roles: ['staff'] }),
  });
  handle = provider.callback();
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname === '/test/keys') {
    await use(issuer, url.searchParams.get('kids').split(','));
    response.end();
  } else if (url.pathname === '/test/asked') {
    response.end(JSON.stringify(asked));
    asked = {};
  } else {
    asked[url.pathname] = (asked[url.pathname] ?? 0) + 1;
    handle(request, response);
  }
});
await new Promise((done) => server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;
await use(issuer, ['first']);
console.log(issuer);
