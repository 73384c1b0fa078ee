// The page: a scenario, what the server says of it after every edit, and a real request to another origin.

import { announce, debounce, find } from "./element.js";
import { fillSelect, pairRows, policyForm } from "./editor.js";
import { fetchFrom } from "./frames.js";
import { showExchange, showGiven, showReading, showRefusal, showUnreachable } from "./result.js";
import { fromFragment, presets, senders, toFragment } from "./state.js";
import { copy, tabs, theme } from "./widgets.js";

const ports = await (await fetch("/ports")).json();
const api = `http://${location.hostname}:${ports.api}`;

let state = fromFragment(location.hash) ?? presets[0][1]();
/** Whether the text was pasted, so that a policy within a manifest is taken out of it. */
let isPasted = false;
/** Which setting is edited: 0 is the route's. */
let active = 0;
/** The policy of the form, where it was edited after the YAML. */
let formPolicy = null;
let lastReading = null;
/** How often something was edited or read, by which an answer knows whether it is still wanted. */
let turns = 0;
/** What was sent last, as a link would hold it. */
let sentState = null;

const form = policyForm(find("form"), (policy) => {
    formPolicy = policy;
    readSoon();
});
const requestHeaders = pairRows(find("request-headers"), "header", editRequest);
const backendHeaders = pairRows(find("backend-headers"), "header", editRequest);

async function post(path, body) {
    const response = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
    });
    if (response.ok) return response.json();
    const text = await response.text();
    let message = text;
    try {
        message = JSON.parse(text).message;
    } catch {
        /* It is a sentence already. */
    }
    throw new Error(message || `the playground answers ${response.status}`);
}

/** The scenario as the server takes it; `withForm` hands over the form's policy in the place of the YAML. */
function scenario(withForm = false) {
    const settings = state.settings.map((setting, at) =>
        withForm && at === active && formPolicy ? { kind: setting.kind, policy: formPolicy } : { ...setting },
    );
    const { profile, strategy, preference, backend, manifest } = state;
    return { profile, strategy, preference, settings, backend, manifest };
}

/** The request as this browser lets a script make it, or the browser's complaint. */
function scriptRequest() {
    const { method, headers, credentials } = state.request;
    try {
        const made = new Request(api, {
            method,
            headers,
            credentials: credentials ? "include" : "omit",
            mode: "cors",
        });
        const kept = [...made.headers];
        const dropped = headers.map(([name]) => name.toLowerCase()).filter((name) => !made.headers.has(name));
        return { asked: { origin: originOf(state.from), method: made.method, headers: kept, credentials }, dropped };
    } catch (error) {
        return { refusal: error.message };
    }
}

function originOf(from) {
    if (from === "page") return location.origin;
    return from === "sandbox" ? "null" : `http://${from}:${ports.page}`;
}

/** Asks the server what the scenario means, and shows it. */
async function read() {
    const turn = ++turns;
    const isOfForm = formPolicy !== null;
    const { asked } = scriptRequest();
    let answer;
    try {
        answer = await post("/read", { scenario: scenario(isOfForm), asked: asked ?? null });
    } catch (error) {
        const message = `The playground's server does not answer. Is it still running? (${error.message})`;
        showUnreachable(message);
        announce(message);
        return;
    }
    // An answer to what has been edited since would undo the edit.
    if (turn !== turns) return;
    lastReading = answer;
    if (answer.given) {
        showGiven(answer.given);
        // Of a manifest that was just read, the first rule with a policy is tried.
        const rule = answer.given.rules.find(({ hasPolicy, url }) => hasPolicy && url);
        if (state.manifest.url === "" && rule) return tryRule(rule);
    }
    takePasted(answer.settings[active]);
    if (isOfForm) {
        formPolicy = null;
        state.settings[active].yaml = answer.settings[active].yaml;
        find("yaml").value = state.settings[active].yaml;
        showSetting(false);
    } else {
        showSetting(true);
    }
    showReading(answer);
    markStale();
    history.replaceState(null, "", toFragment(state));
}

/** What was pasted around a policy is left out, once: whoever types goes on undisturbed. */
function takePasted({ unwrapped }) {
    if (isPasted && unwrapped !== null) {
        state.settings[active].yaml = unwrapped;
        find("yaml").value = unwrapped;
        notify("Of what was pasted, the policy below cors: was taken.");
    }
    isPasted = false;
}

/** Says something above the page; nothing is said any more without a text. */
function notify(text = "") {
    find("notice").textContent = text;
    find("notice").hidden = text === "";
    if (text) announce(text);
}

/** Tells of a link that holds no scenario; returns whether there is one. */
function isDamaged() {
    const damaged = location.hash.length > 1 && !fromFragment(location.hash);
    notify(damaged ? "The link is damaged: perhaps it was cut. It holds nothing that could be shown." : "");
    return damaged;
}

/** Says so where what is shown is of another scenario than the one that is written. */
function markStale() {
    find("stale").hidden = sentState === null || sentState === toFragment(state);
}

const readLater = debounce(180, read);

function readSoon() {
    turns++;
    readLater();
}

/** Shows what was read of the setting that is edited; the form keeps what is typed into it at this moment. */
function showSetting(withForm) {
    const reading = lastReading.settings[active];
    if (withForm && reading.policy) form.show(reading.policy);
    const hasPolicy = reading.kind === "policy" || reading.kind === "ceiling";
    const problems = hasPolicy ? reading.problems : [];
    form.disable(!hasPolicy || (withForm && !reading.policy));
    find("panes").classList.toggle("without", !hasPolicy);
    form.complain(problems, useFix);
    find("yaml").setAttribute("aria-invalid", String(problems.length > 0));
    find("yaml").readOnly = !hasPolicy;
    find("problem-count").textContent =
        problems.length === 0 ? "" : problems.length === 1 ? "1 violation" : `${problems.length} violations`;
}

function useFix(problem) {
    formPolicy = null;
    state.settings[active].yaml = problem.fixed;
    find("yaml").value = problem.fixed;
    read();
    find("yaml").focus();
}

/** A request that reaches a rule of the manifest. */
function tryRule({ url, page, method }) {
    state.manifest.url = url ?? "";
    state.manifest.page = page;
    if (method) find("method").value = state.request.method = method;
    showManifest();
    return url ? read() : undefined;
}

/** Shows the manifest in the place of the two levels, or these. */
function showManifest() {
    const isGiven = state.manifest !== null;
    find("given").hidden = !isGiven;
    find("panes").hidden = isGiven;
    for (const control of document.querySelectorAll(".of-levels")) control.hidden = isGiven;
    if (!isGiven) return;
    find("merge").hidden = true;
    for (const [id, name] of Object.entries(given)) {
        if (find(id).value !== state.manifest[name]) find(id).value = state.manifest[name];
    }
}

/** Shows the whole state, as after a link or a preset. */
function showState() {
    for (const [id, of] of Object.entries(controls)) find(id).value = of.get();
    find("credentials").checked = state.request.credentials;
    requestHeaders.show(state.request.headers);
    backendHeaders.show(state.backend.headers);
    find("body").value = state.backend.body;
    find("outside").checked = state.backend.outside === true;
    sumUp();
    choose(active);
}

function choose(at) {
    active = at;
    const isGiven = state.manifest !== null;
    for (const [index, tab] of [find("tab-route"), find("tab-gateway")].entries()) {
        tab.setAttribute("aria-pressed", String(!isGiven && index === active));
    }
    find("tab-given").setAttribute("aria-pressed", String(isGiven));
    const kinds = [
        ["policy", "a policy"],
        ["ceiling", "a ceiling"],
        ["disabled", "CORS disabled"],
        ["off", "not used"],
    ];
    fillSelect("kind", active === 0 ? kinds.filter(([name]) => name === "policy" || name === "disabled") : kinds);
    find("kind").value = state.settings[active].kind;
    find("yaml").value = state.settings[active].yaml;
    find("merge").hidden = state.settings[1].kind === "off";
    find("tab-gateway").classList.toggle("unused", state.settings[1].kind === "off");
    showManifest();
}

/** The fields of a manifest. */
const given = { "given-text": "text", "given-url": "url", "given-page": "page" };
/** What was written of a manifest, while the two levels are shown. */
let laidAside = { text: "", url: "", page: "https://app.example" };

const controls = {
    profile: { get: () => state.profile, set: (value) => (state.profile = value) },
    strategy: { get: () => state.strategy, set: (value) => (state.strategy = value) },
    preference: { get: () => state.preference, set: (value) => (state.preference = value) },
    from: { get: () => state.from, set: (value) => (state.from = value) },
    method: { get: () => state.request.method, set: (value) => (state.request.method = value.trim()) },
    status: {
        get: () => state.backend.status,
        set: (value) => (state.backend.status = Number.parseInt(value, 10) || 0),
    },
};

/** What the API answers, for who does not look into it. */
function sumUp() {
    const { status, headers, outside } = state.backend;
    const names = headers.map(([name]) => name).join(", ") || "no headers";
    find("backend-sum").textContent = `${status}, ${names}${outside ? ", outside of the layer" : ""}`;
}

function editRequest() {
    state.request.headers = requestHeaders.pairs();
    state.backend.headers = backendHeaders.pairs();
    sumUp();
    readSoon();
}

async function send() {
    const button = find("send");
    if (button.disabled) return;
    button.disabled = true;
    try {
        await read();
        const { asked, dropped, refusal } = scriptRequest();
        if (refusal) return refuse(`The browser refuses to make this request: ${refusal}`);
        const expected = find("prediction");
        if (expected.dataset.is === "refused") return refuse(expected.textContent);
        const exchange = await post("/exchanges", scenario());
        const init = {
            method: asked.method,
            headers: asked.headers,
            credentials: asked.credentials ? "include" : "omit",
            mode: "cors",
            cache: "no-store",
        };
        const { origin, got } = await fetchFrom(state.from, asked.origin, api + exchange.path, init);
        const really = { ...asked, origin };
        const report = await post(`/exchanges/${exchange.number}/report`, {
            asked: really,
            got: { readable: got.readable, headers: (got.headers ?? []).map(([name]) => name) },
        });
        find("results").dataset.empty = "false";
        sentState = toFragment(state);
        markStale();
        showExchange({ asked: really, got, report, note: { api, url: api + exchange.path, dropped } });
        const told = [...document.querySelectorAll("#verdict > p")].map((said) => said.innerText);
        announce(
            `${told.join("\n\n")}. ${report.agrees ? "Model and browser agree." : "Model and browser differ."}`,
        );
        if (matchMedia("(max-width: 60rem)").matches) find("results").scrollIntoView({ block: "start" });
    } catch (error) {
        refuse(error.message);
    } finally {
        button.disabled = false;
    }
}

function refuse(message) {
    find("results").dataset.empty = "false";
    sentState = null;
    markStale();
    showRefusal(message);
    announce(`Not sent. ${message}`);
}

/** Another manifest has other rules. */
function forgetRule() {
    state.manifest.url = "";
}

async function start() {
    fillSelect("preset", [["", "start from …"], ...presets.map(([name], at) => [at, name])]);
    fillSelect("from", senders);
    find("preset").addEventListener("change", ({ target }) => {
        if (target.value === "") return;
        notify();
        state = presets[target.value][1]();
        formPolicy = null;
        active = 0;
        showState();
        read();
    });
    for (const [id, of] of Object.entries(controls)) {
        find(id).addEventListener("input", ({ target }) => {
            of.set(target.value);
            sumUp();
            readSoon();
        });
    }
    find("credentials").addEventListener("change", ({ target }) => {
        state.request.credentials = target.checked;
        readSoon();
    });
    find("outside").addEventListener("change", ({ target }) => {
        state.backend.outside = target.checked;
        sumUp();
        readSoon();
    });
    find("yaml").addEventListener("paste", () => (isPasted = true));
    find("body").addEventListener("input", ({ target }) => {
        state.backend.body = target.value;
        readSoon();
    });
    find("yaml").addEventListener("input", ({ target }) => {
        formPolicy = null;
        state.settings[active].yaml = target.value;
        readSoon();
    });
    find("kind").addEventListener("change", ({ target }) => {
        state.settings[active].kind = target.value;
        choose(active);
        read();
    });
    for (const [index, id] of ["tab-route", "tab-gateway"].entries()) {
        find(id).addEventListener("click", async () => {
            if (formPolicy) await read();
            const wasGiven = state.manifest !== null;
            if (wasGiven) [laidAside, state.manifest] = [state.manifest, null];
            choose(index);
            if (wasGiven) await read();
            else showSetting(true);
        });
    }
    find("tab-given").addEventListener("click", async () => {
        if (formPolicy) await read();
        state.manifest ??= laidAside;
        choose(active);
        await read();
        find("given-text").focus();
    });
    for (const [id, name] of Object.entries(given)) {
        find(id).addEventListener("input", ({ target }) => {
            state.manifest[name] = target.value;
            readSoon();
        });
    }
    find("given-text").addEventListener("paste", () => forgetRule());
    find("given-file").addEventListener("change", async ({ target }) => {
        const [file] = target.files;
        if (!file) return;
        forgetRule();
        state.manifest.text = await file.text();
        // The same file may be chosen again, once it has changed.
        target.value = "";
        showManifest();
        await read();
    });
    find("given-rule").addEventListener("change", ({ target }) => {
        const rule = lastReading.given?.rules[target.value];
        if (rule) tryRule(rule);
    });
    find("send").addEventListener("click", send);
    addEventListener("keydown", (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            send();
        }
    });
    find("copy-link").addEventListener("click", async ({ target }) => {
        if (formPolicy) await read();
        history.replaceState(null, "", toFragment(state));
        copy(target, location.href);
    });
    for (const button of document.querySelectorAll("[data-copy]")) {
        button.addEventListener("click", () => copy(button, find(button.dataset.copy).textContent));
    }
    addEventListener("hashchange", () => {
        if (isDamaged()) return;
        const given = fromFragment(location.hash);
        if (!given) return;
        state = given;
        formPolicy = null;
        active = 0;
        showState();
        read();
    });
    tabs(find("tabs"));
    theme(find("theme"));
    isDamaged();
    showState();
    await read();
    document.body.dataset.ready = "true";
}

await start();
