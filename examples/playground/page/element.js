// The one way in which this page makes elements. Text becomes text nodes, so nothing that a policy, a header or a
// server says is ever read as HTML.

export function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
        else if (value === true) made.setAttribute(name, "");
        else if (value !== false && value != null) made.setAttribute(name, value);
    }
    fill(made, ...children);
    return made;
}

/** Puts `children` into an element in the place of what is there; what a condition left out is none. */
export function fill(container, ...children) {
    container.replaceChildren(...children.flat().filter((child) => child != null && child !== false && child !== ""));
}

export const find = (id) => document.getElementById(id);

/** Code, set apart from the sentence around it. */
export const code = (text) => element("code", {}, text);

/** A list of headers, a line each. */
export function headerLines(headers) {
    const line = ([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
    return element("dl", { class: "headers" }, headers.map(line));
}

let announced = 0;

/** Says something to those who don't see the screen. */
export function announce(text) {
    // The same words twice would not be said again.
    find("announcement").textContent = announced++ % 2 ? text : `${text} `;
}

export function debounce(milliseconds, act) {
    let timer;
    return () => {
        clearTimeout(timer);
        timer = setTimeout(act, milliseconds);
    };
}
