// The form of a policy. It holds no rule: it shows what the server has read from the YAML, and gives back what stands
// in it, as it stands there.

import { element, find } from "./element.js";

const LISTS = [
    ["allowOrigins", "origin", "https://app.example"],
    ["allowMethods", "method", "PUT"],
    ["allowHeaders", "request header", "Content-Type"],
    ["exposeHeaders", "response header", "X-Request-Id"],
];

/** A form in `container`; `edited` is called with each policy that a person makes of it. */
export function policyForm(container, edited) {
    const lists = new Map(LISTS.map((given) => [given[0], listField(...given, changed)]));
    const credentials = element(
        "select",
        { id: "field-allowCredentials", "data-path": "allowCredentials", onchange: changed },
        element("option", { value: "" }, "not set"),
        element("option", { value: "true" }, "true"),
        element("option", { value: "false" }, "false"),
    );
    const age = element("input", {
        id: "field-maxAge",
        "data-path": "maxAge",
        inputmode: "numeric",
        size: 10,
        placeholder: "not set",
        autocomplete: "off",
        oninput: changed,
    });
    const single = (name, control, after) =>
        element(
            "div",
            { class: "field", "data-field": name },
            element("div", { class: "field-head" }, element("label", { for: control.id }, name)),
            element("div", { class: "entries" }, control, after),
            element("div", { class: "problems" }),
        );
    container.replaceChildren(
        lists.get("allowOrigins").root,
        single("allowCredentials", credentials),
        ...["allowMethods", "allowHeaders", "exposeHeaders"].map((name) => lists.get(name).root),
        single("maxAge", age, element("span", { class: "hint" }, "seconds")),
        element("div", { class: "problems", "data-rest": true }),
    );

    /** The policy that is shown, by the fields that it sets. */
    let shown = "";
    const inOrder = (policy) =>
        JSON.stringify([...lists.keys(), "allowCredentials", "maxAge"].map((name) => policy[name] ?? null));

    function changed() {
        const policy = {};
        for (const [name, list] of lists) {
            if (list.entries() !== null) policy[name] = list.entries();
        }
        if (credentials.value) policy.allowCredentials = credentials.value === "true";
        const written = age.value.trim();
        // What is no number stays text, for the server to say so.
        if (written) policy.maxAge = /^\d{1,15}$/.test(written) ? Number(written) : written;
        shown = inOrder(policy);
        edited(policy);
    }

    return {
        /** Shows a policy in the place of what stands there; what stands there already is left, and keeps the focus. */
        show(policy) {
            if (inOrder(policy) === shown) return;
            shown = inOrder(policy);
            for (const [name, list] of lists) list.show(policy[name] ?? null);
            credentials.value = policy.allowCredentials === undefined ? "" : String(policy.allowCredentials);
            age.value = policy.maxAge ?? "";
        },
        /** Shows each problem at its field, and what belongs to none below. */
        complain(problems, use) {
            for (const place of container.querySelectorAll(".problems")) place.replaceChildren();
            for (const control of container.querySelectorAll("[aria-invalid]")) {
                control.removeAttribute("aria-invalid");
                control.removeAttribute("aria-describedby");
            }
            for (const list of lists.values()) list.number();
            problems.forEach((problem, at) => {
                const field = container.querySelector(`[data-field="${CSS.escape(problem.path.split("[")[0])}"]`);
                const control = container.querySelector(`[data-path="${CSS.escape(problem.path)}"]`);
                const id = `problem-${at}`;
                control?.setAttribute("aria-invalid", "true");
                control?.setAttribute("aria-describedby", id);
                const place = (field ?? container).querySelector(field ? ".problems" : "[data-rest]");
                place.append(problemLine(problem, id, use, field ? "" : problem.path));
            });
        },
        /** Whether it can be edited; what is said of the text stays at hand. */
        disable(disabled) {
            for (const part of container.querySelectorAll(".field-head, .entries")) part.inert = disabled;
        },
    };
}

export function problemLine(problem, id, use, path = "") {
    return element(
        "p",
        { class: "problem", id },
        path && element("code", {}, `${path}: `),
        problem.message,
        problem.fixed != null &&
            element(
                "button",
                {
                    type: "button",
                    class: "use",
                    onclick: () => use(problem),
                },
                problem.suggestion == null ? "repair" : "use this",
            ),
    );
}

function listField(name, noun, example, changed) {
    // Unset, which is another thing than empty.
    let isSet = false;
    const entries = element("div", { class: "entries" });
    const state = element("span", { class: "hint" });
    const add = element(
        "button",
        {
            type: "button",
            class: "add",
            "aria-label": `add ${noun}`,
            onclick: () => append("").focus(),
        },
        "+",
    );
    const unset = element(
        "button",
        { type: "button", class: "quiet", onclick: clear, "aria-label": `unset ${name}` },
        "unset",
    );
    const root = element(
        "div",
        { class: "field", "data-field": name, role: "group", "aria-label": name },
        element("div", { class: "field-head" }, element("span", { class: "label" }, name), unset),
        entries,
        element("div", { class: "problems" }),
    );

    const inputs = () => [...entries.querySelectorAll("input")];

    function append(value) {
        const input = element("input", {
            value,
            placeholder: example,
            "aria-label": `${noun} ${inputs().length + 1}`,
            autocomplete: "off",
            spellcheck: "false",
            size: width(value),
        });
        input.addEventListener("input", () => {
            input.size = width(input.value);
            isSet = true;
            changed();
        });
        input.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) append("").focus();
            else if (event.key === "Backspace" && input.value === "") remove();
            else return;
            event.preventDefault();
        });
        const remove = () => {
            const before = entry.previousElementSibling?.querySelector("input");
            const had = input.value !== "";
            entry.remove();
            mark();
            (before ?? add).focus();
            if (had) changed();
        };
        const entry = element(
            "span",
            { class: "entry" },
            input,
            element(
                "button",
                { type: "button", class: "remove", "aria-label": `remove ${noun}`, onclick: remove },
                "×",
            ),
        );
        add.before(entry);
        mark();
        return input;
    }

    function clear() {
        isSet = false;
        for (const entry of entries.querySelectorAll(".entry")) entry.remove();
        mark();
        changed();
        add.focus();
    }

    function mark() {
        const written = inputs();
        state.textContent = written.length ? "" : isSet ? "empty: nothing" : "not set";
        unset.hidden = !isSet;
    }

    entries.append(add, state);
    const width = (value) => Math.min(40, Math.max(value.length + 1, 7));
    return {
        root,
        /** What is written; an entry that is still blank is none yet. */
        entries() {
            const written = inputs()
                .map((input) => input.value.trim())
                .filter(Boolean);
            return isSet ? written : null;
        },
        show(list) {
            isSet = list !== null;
            for (const entry of entries.querySelectorAll(".entry")) entry.remove();
            for (const value of list ?? []) append(value);
            mark();
        },
        /** Numbers the inputs as the entries are numbered that they stand for. */
        number() {
            let at = 0;
            for (const input of inputs()) {
                if (input.value.trim()) input.dataset.path = `${name}[${at++}]`;
                else delete input.dataset.path;
            }
            mark();
        },
    };
}

/** Rows of a name and a value, such as headers. */
export function pairRows(container, noun, changed) {
    const rows = element("div", { class: "pairs" });
    const add = element(
        "button",
        { type: "button", class: "add wide", onclick: () => append(["", ""]).focus() },
        `+ ${noun}`,
    );
    container.replaceChildren(rows, add);

    function append([name, value]) {
        const field = (text, label, of) =>
            element("input", {
                value: text,
                "aria-label": `${noun}: ${label}`,
                placeholder: label,
                class: of,
                autocomplete: "off",
                spellcheck: "false",
                oninput: changed,
            });
        const first = field(name, "name", "name");
        const remove = () => {
            row.remove();
            changed();
            add.focus();
        };
        const row = element(
            "div",
            { class: "pair" },
            first,
            field(value, "value", "value"),
            element(
                "button",
                { type: "button", class: "remove", "aria-label": `remove ${noun}`, onclick: remove },
                "×",
            ),
        );
        rows.append(row);
        return first;
    }

    return {
        show(pairs) {
            rows.replaceChildren();
            pairs.forEach(append);
        },
        pairs: () =>
            [...rows.children]
                .map((row) => [row.querySelector(".name").value.trim(), row.querySelector(".value").value])
                .filter(([name]) => name),
    };
}

export function fillSelect(id, options) {
    find(id).replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
}
