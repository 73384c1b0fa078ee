// What a person has put together, and its way into a link and back. A link holds all of it, in the fragment, which no
// browser sends to a server.

const own = location.origin;

const policy = (yaml) => ({ kind: "policy", yaml });
const off = { kind: "off", yaml: "" };
const get = { method: "GET", headers: [], credentials: false };
const answer = {
    status: 200,
    headers: [
        ["Content-Type", "application/json"],
        ["X-Request-Id", "8f2c41"],
    ],
    body: '{"hello": "from the other origin"}',
    outside: false,
};
const outside = (status, headers, body) => ({ status, headers, body, outside: true });
const scenario = (given) => ({
    profile: "strict",
    strategy: "inherit",
    preference: "child",
    settings: [policy(""), off],
    from: "page",
    request: get,
    backend: answer,
    manifest: null,
    ...given,
});

const api = "api.example";
const manifest = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api}
spec:
  hostnames: [${api}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /v1}}]
    filters:
    - type: CORS
      cors:
        allowOrigins: [https://app.example]
        allowMethods: [PUT]
        allowHeaders: [Content-Type]
        maxAge: 600
  - matches: [{path: {type: PathPrefix, value: /v1/admin}}]
    filters:
    - type: CORS
      cors:
        allowOrigins: [https://admin.example]
        allowCredentials: true
`;

export const presets = [
    [
        "Works: a credentialed PUT",
        () =>
            scenario({
                settings: [
                    policy(
                        `allowOrigins:\n- ${own}\nallowCredentials: true\nallowMethods:\n- PUT\nallowHeaders:\n- Content-Type\n` +
                            "exposeHeaders:\n- X-Request-Id\nmaxAge: 600\n",
                    ),
                    off,
                ],
                request: { method: "PUT", headers: [["Content-Type", "application/json"]], credentials: true },
            }),
    ],
    ["Works: a simple GET, no preflight", () => scenario({ settings: [policy(`allowOrigins:\n- ${own}\n`), off] })],
    [
        "Blocked: the origin is not allowed",
        () =>
            scenario({
                settings: [
                    policy("allowOrigins:\n- https://app.example\n- https://*.preview.example\nallowMethods:\n- PUT\n"),
                    off,
                ],
                request: { ...get, method: "PUT" },
            }),
    ],
    [
        "Blocked: the header is not allowed",
        () =>
            scenario({
                settings: [
                    policy(`allowOrigins:\n- ${own}\nallowMethods:\n- PUT\n- DELETE\nallowHeaders:\n- Content-Type\n`),
                    off,
                ],
                request: {
                    method: "PUT",
                    headers: [
                        ["Content-Type", "application/json"],
                        ["X-Trace", "1"],
                    ],
                    credentials: false,
                },
            }),
    ],
    [
        "Blocked: the method is not allowed",
        () =>
            scenario({
                settings: [policy(`allowOrigins:\n- ${own}\nallowMethods:\n- GET\n- PUT\n`), off],
                request: { ...get, method: "DELETE" },
            }),
    ],
    [
        "Blocked: credentials with *",
        () =>
            scenario({
                settings: [policy('allowOrigins:\n- "*"\n'), off],
                request: { ...get, credentials: true },
            }),
    ],
    [
        "Blocked: a sandboxed frame, origin null",
        () =>
            scenario({
                settings: [policy(`allowOrigins:\n- ${own}\n`), off],
                from: "sandbox",
            }),
    ],
    [
        "Blocked: authentication outside of the layer",
        () =>
            scenario({
                settings: [policy(`allowOrigins:\n- ${own}\nallowMethods:\n- PUT\n`), off],
                request: { ...get, method: "PUT" },
                backend: outside(401, [["WWW-Authenticate", "Bearer"]], "who are you?"),
            }),
    ],
    [
        "Blocked: a 404 outside of the layer",
        () =>
            scenario({
                settings: [policy(`allowOrigins:\n- ${own}\n`), off],
                backend: outside(404, [], "there is no such page"),
            }),
    ],
    [
        "Blocked: a proxy adds a header of its own",
        () =>
            scenario({
                settings: [policy(`allowOrigins:\n- ${own}\nallowCredentials: true\n`), off],
                request: { ...get, credentials: true },
                backend: outside(
                    200,
                    [
                        ["Access-Control-Allow-Origin", own],
                        ["Access-Control-Allow-Origin", "*"],
                    ],
                    "hello",
                ),
            }),
    ],
    [
        "Refused: a policy with mistakes",
        () =>
            scenario({
                settings: [
                    policy(
                        "allowOrigins:\n- app.example\n- https://app.example/login\nallowMethods:\n- GET, PUT\nallowHeaders:\n" +
                            "- X Request Id\nmaxAge: 600\n",
                    ),
                    off,
                ],
            }),
    ],
    [
        "Refused: a policy of * with credentials",
        () =>
            scenario({
                settings: [policy('allowOrigins:\n- "*"\nallowCredentials: true\n'), off],
                request: { ...get, credentials: true },
            }),
    ],
    [
        "Two levels: a route over its gateway",
        () =>
            scenario({
                settings: [
                    policy("allowMethods:\n- PUT\nexposeHeaders:\n- X-Request-Id\n"),
                    policy(
                        `allowOrigins:\n- ${own}\n- https://admin.example\nallowHeaders:\n- Content-Type\nmaxAge: 600\n`,
                    ),
                ],
                request: { method: "PUT", headers: [["Content-Type", "application/json"]], credentials: false },
            }),
    ],
    [
        "Two levels: a gateway's ceiling",
        () =>
            scenario({
                settings: [
                    policy('allowOrigins:\n- "*"\nallowMethods:\n- PUT\n- DELETE\nmaxAge: 86400\n'),
                    { kind: "ceiling", yaml: `allowOrigins:\n- ${own}\nallowMethods:\n- PUT\nmaxAge: 600\n` },
                ],
                request: { ...get, method: "PUT" },
            }),
    ],
    [
        "A manifest: a route with two rules",
        () =>
            scenario({
                manifest: { text: manifest, url: `https://${api}/v1`, page: "https://app.example" },
                request: { method: "PUT", headers: [["Content-Type", "application/json"]], credentials: false },
            }),
    ],
];

export const senders = [
    ["page", `this page, ${own}`],
    ...["localhost", "127.0.0.1", "a.localhost"]
        .filter((host) => host !== location.hostname)
        .map((host) => [host, `a page of http://${host}:${location.port}`]),
    ["sandbox", "a sandboxed frame, null"],
];

const oneOf = (known, value, fallback) => (known.includes(value) ? value : fallback);
const text = (value) => (typeof value === "string" ? value : "");
const pairs = (value) =>
    Array.isArray(value) ? value.filter(Array.isArray).map(([name, value]) => [text(name), text(value)]) : [];

/** Whatever a link holds, as a scenario: a link may be cut, or of another time. */
function sanitized(given) {
    const standard = presets[0][1]();
    const { settings = [], request = {}, backend = {} } = given;
    const setting = (at, kinds) => ({
        kind: oneOf(kinds, settings[at]?.kind, kinds[0]),
        yaml: text(settings[at]?.yaml),
    });
    return {
        profile: oneOf(["strict", "gateway-api"], given.profile, standard.profile),
        strategy: oneOf(["inherit", "replace", "union"], given.strategy, standard.strategy),
        preference: oneOf(["child", "parent"], given.preference, standard.preference),
        settings: [setting(0, ["policy", "disabled"]), setting(1, ["off", "policy", "ceiling", "disabled"])],
        from: oneOf(
            senders.map(([name]) => name),
            given.from,
            "page",
        ),
        request: {
            method: text(request.method) || "GET",
            headers: pairs(request.headers),
            credentials: request.credentials === true,
        },
        backend: {
            status: Number.isInteger(backend.status) ? backend.status : 200,
            headers: pairs(backend.headers),
            body: text(backend.body),
            outside: backend.outside === true,
        },
        manifest: given.manifest
            ? { text: text(given.manifest.text), url: text(given.manifest.url), page: text(given.manifest.page) }
            : null,
    };
}

export function toFragment(state) {
    const bytes = new TextEncoder().encode(JSON.stringify(state));
    const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    return `#${btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** What a link holds; none where it holds nothing, or is damaged. */
export function fromFragment(fragment) {
    try {
        const binary = atob(fragment.slice(1).replaceAll("-", "+").replaceAll("_", "/"));
        const given = JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (byte) => byte.charCodeAt(0))));
        return given && typeof given === "object" ? sanitized(given) : null;
    } catch {
        return null;
    }
}
