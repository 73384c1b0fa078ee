// What happened, as a picture: the page on the left, the API on the right, and between them what went over the wire.
// The sentences are the server's; here they find their places.

import { code, element, fill, find, headerLines } from "./element.js";

const isPermission = ([name]) => name.startsWith("access-control-");
const isOfCors = ([name]) => isPermission([name]) || name === "origin" || name === "vary";
const asText = (value) => (Array.isArray(value) ? (value.length ? value.join(", ") : "nothing") : String(value));

/** The picture of an exchange. */
export function showExchange({ asked, got, report, note }) {
    const { preflight, request, verdict } = report;
    const isBlocked = !got.readable;
    const steps = [];
    if (preflight) {
        steps.push(arrow("right", [code("OPTIONS"), " may I?"], requestLines(preflight, [])), decision(preflight, report));
        const isRefused = isBlocked && !request;
        const given = preflight.response.some(isPermission) ? " permission" : " no permission";
        steps.push(
            arrow(
                "left",
                [code(preflight.status), isRefused && given === " permission" ? " not enough" : given],
                answerLines(preflight),
                isRefused ? "bad" : "good",
            ),
        );
    }
    if (request) {
        const written = asked.headers.map(([name]) => name.toLowerCase());
        steps.push(
            arrow("right", [code(request.method), " the request"], requestLines(request, written)),
            decision(request, report),
        );
        steps.push(
            arrow(
                "left",
                [code(request.status), isBlocked ? " the answer, kept from the page" : " the answer"],
                answerLines(request),
                isBlocked ? "bad" : "good",
            ),
        );
    } else {
        steps.push(element("li", { class: "step never" }, element("p", {}, code(asked.method), " is never sent")));
    }
    steps.push(
        element(
            "li",
            { class: `step end ${isBlocked ? "bad" : "good"}` },
            element("p", {}, isBlocked ? "✕ the page gets an error, and no reason" : "✓ the page reads the answer"),
        ),
    );
    fill(
        find("exchange"),
        element(
            "div",
            { class: "lanes" },
            element("span", {}, element("b", {}, "page"), element("code", {}, asked.origin)),
            element("span", {}, element("b", {}, "API"), element("code", {}, note.api)),
        ),
        element("ol", { class: "steps" }, steps),
        got.readable ? whatIsRead(got, verdict) : null,
        agreement(report),
    );
    showVerdict(got, verdict, preflight, { ...note, origin: asked.origin });
}

function showVerdict(got, verdict, preflight, note) {
    const box = find("verdict");
    box.dataset.is = got.readable ? "readable" : "blocked";
    const asks = preflight ? "after a preflight" : "without a preflight";
    const why = got.readable
        ? `The page reads ${got.status}, ${asks}.`
        : (verdict?.message ?? `The server saw nothing that explains it: ${got.error}.`);
    fill(
        box,
        element("p", { class: "headline" }, got.readable ? "Readable" : "Blocked"),
        element("p", { class: "why" }, why, verdict?.code && element("code", { class: "badge" }, verdict.code)),
        !got.readable && verdict?.wayOut && element("p", { class: "way-out" }, `The way out: ${verdict.wayOut}.`),
        !got.readable && verdict?.console && ofConsole(verdict.console, note),
        note.dropped.length > 0 &&
            element(
                "p",
                { class: "hint" },
                `No script may set ${note.dropped.join(", ")}, so the browser left it out.`,
            ),
    );
}

/** The sentence that Chromium's console has, and where it is explained. */
function ofConsole(sentence, { url, origin }) {
    const text = `Access to fetch at '${url}' from origin '${origin}' has been blocked by CORS policy: ${sentence}`;
    return element(
        "details",
        { class: "console" },
        element("summary", {}, "What Chromium's console says"),
        element("p", {}, code(text)),
        element("p", {}, element("a", { href: "/troubleshooting", target: "_blank" }, "What each sentence means")),
    );
}

/** Says that nothing is known of what was edited last. */
export function showUnreachable(message) {
    const box = find("prediction");
    box.dataset.is = "refused";
    fill(box, message);
}

/** Says why there was no exchange. */
export function showRefusal(message) {
    const box = find("verdict");
    box.dataset.is = "refused";
    fill(box, element("p", { class: "headline" }, "Not sent"), element("p", { class: "why" }, message));
    fill(find("exchange"));
}

function arrow(direction, label, details, mood = "") {
    return element(
        "li",
        { class: `step ${direction} ${mood}` },
        element("p", { class: "message" }, label),
        element("div", { class: "line", "aria-hidden": "true" }),
        details,
    );
}

function decision({ said, reachedBackend }, { outside }) {
    if (outside) {
        const text = "Answered outside of the layer, which saw nothing of it.";
        return element("li", { class: "step decision" }, element("p", {}, text));
    }
    if (!said) return null;
    const who = reachedBackend ? "The handler answers: " : "The layer answers: ";
    return element(
        "li",
        { class: "step decision" },
        element("p", {}, element("b", {}, who), said.sentence),
        element(
            "p",
            { class: "badges" },
            [said.outcome, said.reason].map((name) => element("code", { class: "badge" }, name)),
        ),
    );
}

function requestLines(seen, written) {
    return withRest(seen.request, ([name]) => isOfCors([name]) || name === "cookie" || written.includes(name));
}

function answerLines(seen) {
    const lines = withRest(seen.response, isOfCors);
    if (!seen.response.some(isPermission)) {
        lines.prepend(element("p", { class: "hint" }, "no CORS headers"));
    }
    return lines;
}

function withRest(headers, isShown) {
    const rest = headers.filter((header) => !isShown(header));
    // First who asks, then the rest as it came.
    const shown = headers.filter(isShown).sort(([one], [other]) => (other === "origin") - (one === "origin"));
    return element(
        "div",
        { class: "detail" },
        headerLines(shown),
        rest.length > 0 && element("details", {}, element("summary", {}, `${rest.length} more`), headerLines(rest)),
    );
}

function whatIsRead(got, verdict) {
    const hidden = verdict?.hidden ?? [];
    return element(
        "div",
        { class: "read" },
        element("h3", {}, "What the script sees"),
        headerLines(got.headers),
        got.body && element("pre", { tabindex: "0", "aria-label": "body" }, got.body.slice(0, 2000)),
        hidden.length > 0 && element("p", { class: "hint" }, "Kept from it: ", code(hidden.join(", "))),
    );
}

function agreement({ agrees, comparison }) {
    const differing = comparison.filter(({ model, browser }) => model !== browser);
    if (agrees) {
        return element(
            "p",
            { class: "agreement" },
            element("span", { class: "mark", "aria-hidden": "true" }, "✓"),
            `The library's model of a browser and this browser agree on all ${comparison.length} points.`,
        );
    }
    return element(
        "div",
        { class: "agreement differs" },
        element("p", {}, "The library's model of a browser and this browser differ:"),
        element(
            "ul",
            {},
            differing.map(({ about, model, browser }) =>
                element("li", {}, `${about}: the model says ${model}, the browser ${browser}`),
            ),
        ),
    );
}

/** What is known before anything is sent. */
export function showReading(answer) {
    showPrediction(answer);
    showEffective(answer.effective);
    showLints(answer);
    find("rust").textContent = answer.rust ?? "The policy is not valid.";
    find("manifest").textContent = answer.manifest ?? "No policy is in effect.";
    find("manifest-refusal").textContent = answer.manifestRefusal ?? "";
    find("case").textContent = answer.case ?? "Nothing is expected yet.";
}

/** What was read of a manifest: what is wrong with it, and its rules. */
export function showGiven({ problems, lints, rules, reached, urlProblem }) {
    const line = (text) => element("p", { class: "problem" }, text);
    const problem = problems.length === 0 && rules.length > 0 && urlProblem ? [`The URL is ${urlProblem}.`] : [];
    fill(
        find("given-problems"),
        [...problems, ...problem].map(line),
        lints.map((lint) => element("p", { class: "hint" }, lint)),
    );
    const option = ({ name, matched, hasPolicy }, at) => {
        const about = [matched, !hasPolicy && "no policy"].filter(Boolean).join("; ");
        return element("option", { value: at }, about ? `${name}: ${about}` : name);
    };
    const none = rules.length ? "no rule takes this URL" : "no rule yet";
    fill(find("given-rule"), reached === null && element("option", { value: "" }, none), rules.map(option));
    find("given-rule").value = reached ?? "";
}

function showPrediction({ prediction, effective, backendProblem, given }) {
    const box = find("prediction");
    const say = (is, ...parts) => {
        box.dataset.is = is;
        fill(box, ...parts);
    };
    if (given && effective.is === "none" && given.reached === null)
        say("none", "No route takes this: a gateway answers with 404.");
    else if (effective.is === "broken") say("refused", "Not valid yet, so it can't be served.");
    else if (effective.is === "invalid") say("refused", "The settings make no valid policy together.");
    else if (backendProblem) say("refused", `The API's answer: ${backendProblem}.`);
    else if (effective.is === "none") say("none", "No policy applies: what the API answers passes untouched.");
    else if (!prediction && find("outside").checked)
        say("outside", "Answered outside of the layer: only what is answered there counts.");
    else if (!prediction) say("refused", "The browser refuses to make this request.");
    else if (prediction.browser.readable)
        say("readable", element("b", {}, "Expected: readable"), preflightOf(prediction));
    else say("blocked", element("b", {}, "Expected: blocked. "), prediction.browser.message);
}

const preflightOf = ({ preflight }) => (preflight ? ", after a preflight" : ", without a preflight");

function showEffective(effective) {
    const box = find("effective");
    if (effective.is === "none") {
        const by = effective.disabledBy;
        fill(
            box,
            element(
                "p",
                {},
                by ? `CORS is disabled by ${by}: requests pass untouched, preflights included.` : "No policy applies.",
            ),
        );
        return;
    }
    if (effective.is !== "policy") {
        const text = effective.is === "broken" ? "Each setting has to be valid first." : "";
        fill(
            box,
            element("p", {}, text),
            ...effective.problems.map(({ message }) => element("p", { class: "problem" }, message)),
        );
        return;
    }
    const rows = effective.fields.map(({ field, value, from, narrowedBy }) =>
        element(
            "tr",
            { class: value === null ? "unset" : "" },
            element("th", { scope: "row" }, code(field)),
            element("td", {}, value === null ? "not set" : code(asText(value))),
            element(
                "td",
                narrowedBy.length > 0 ? { title: "a ceiling took away what lies outside of it" } : {},
                [from.join(" and "), narrowedBy.length > 0 && `narrowed by ${narrowedBy.join(" and ")}`]
                    .filter(Boolean)
                    .join(", "),
            ),
        ),
    );
    fill(
        box,
        element(
            "table",
            {},
            element(
                "thead",
                {},
                element(
                    "tr",
                    {},
                    ["field", "value", "from"].map((text) => element("th", { scope: "col" }, text)),
                ),
            ),
            element("tbody", {}, rows),
        ),
    );
}

function showLints({ settings: levels, effective, given }) {
    const labels = ["route", "gateway"];
    const settings = given ? [] : levels;
    const found = settings.flatMap(({ kind, lints }, at) =>
        kind === "policy" ? lints.map((lint) => [labels[at], lint]) : [],
    );
    found.push(...effective.lints.map((lint) => [given ? "rule" : "together", lint]));
    find("lint-count").textContent = found.length ? ` ${found.length}` : "";
    const violations = settings.flatMap(({ kind, problems }) =>
        kind === "policy" || kind === "ceiling" ? problems : [],
    ).length + effective.problems.length;
    const nothing = violations
        ? `${violations === 1 ? "1 violation keeps" : `${violations} violations keep`} the policy from being served; each stands at its field. Lints are looked for once it is valid.`
        : "Nothing that is probably not meant.";
    const item = ([label, { path, code: name, severity, message, about }]) =>
        element(
            "li",
            { "data-severity": severity },
            element(
                "p",
                {},
                element("b", { class: "severity" }, severity),
                " ",
                code(`${label}: ${path}`),
                ` ${message}`,
            ),
            element("details", {}, element("summary", {}, code(name)), element("p", {}, about)),
        );
    fill(
        find("lints"),
        (violations > 0 || !found.length) && element("p", { class: violations ? "problem" : "" }, nothing),
        found.length > 0 && element("ul", {}, found.map(item)),
    );
}
