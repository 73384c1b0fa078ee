// Uses the example `playground` as a person does, and tells what its page shows. In: where the page is. Out: what was
// seen of each thing that was tried.

import { main } from "./chromium.mjs";

await main(async (browser, { url }) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    context.setDefaultTimeout(20_000);
    const complaints = [];
    const open = async (address, size) => {
        const page = await context.newPage();
        page.on("pageerror", (error) => complaints.push(error.message));
        page.on("console", (message) => {
            // What CORS refuses is what the page is for.
            const isExpected = /CORS policy|ERR_FAILED/.test(message.text());
            if (message.type() === "error" && !isExpected) {
                complaints.push(message.text());
            }
        });
        if (size) {
            await page.setViewportSize(size);
        }
        await page.goto(address);
        await page.locator("body[data-ready]").waitFor();
        return page;
    };
    const page = await open(url);
    const seen = {
        readable: await tryPreset(page, "Works: a credentialed PUT"),
        blocked: await tryPreset(page, "Blocked: the header is not allowed"),
        sandboxed: await tryPreset(page, "Blocked: a sandboxed frame, origin null"),
        elsewhere: await sendFrom(page, "a.localhost"),
        panes: await editBothPanes(page),
        violations: await mendViolations(page),
        markup: await writeMarkup(page),
        link: await followLink(page, open),
        widths: await widthsAt360(url, open),
        consoles: await compareConsoles(url, open),
        small: await smallText(page),
        cut: await cutTabs(url, open),
        pasted: await pasteManifest(page),
        given: await giveManifest(url, open, context),
        lints: await readLints(page),
        damaged: await followDamagedLink(url, open),
        lost: await loseServer(url, open, complaints),
    };
    return { ...seen, complaints };
});

async function choose(page, preset) {
    await page.selectOption("#preset", { label: preset });
}

/** Sends, and waits for what comes of it. */
async function send(page, how = () => page.click("#send")) {
    await how();
    await page.waitForFunction(() => !document.getElementById("send").disabled);
    return page.evaluate(() => {
        const text = (selector) => document.querySelector(selector)?.textContent ?? null;
        const all = (selector) => [...document.querySelectorAll(selector)].map((found) => found.textContent);
        return {
            headline: text("#verdict .headline"),
            why: text("#verdict .why"),
            messages: all("#exchange .message, #exchange .never p"),
            decisions: all("#exchange .decision p:first-child"),
            sees: all("#exchange .read > .headers dt").sort(),
            agreement: text("#exchange .agreement"),
            announced: text("#announcement").trim(),
        };
    });
}

async function tryPreset(page, preset) {
    await choose(page, preset);
    // The keys work wherever the focus is.
    await page.focus("#yaml");
    return send(page, () => page.keyboard.press("Control+Enter"));
}

/** From the page of another origin, whose policy is the first preset's. */
async function sendFrom(page, host) {
    await choose(page, "Works: a simple GET, no preflight");
    await page.selectOption("#from", host);
    return send(page);
}

async function editBothPanes(page) {
    await page.fill("#yaml", "allowOrigins: [https://a.example]\nmaxAge: 60\n");
    const origin = page.locator('input[data-path="allowOrigins[0]"]');
    await page.waitForFunction(() => document.querySelector('[data-path="maxAge"]').value === "60");
    const read = await origin.inputValue();
    await origin.fill("https://b.example");
    await page.getByRole("button", { name: "add method" }).click();
    await page.keyboard.type("PUT");
    await page.waitForFunction(() => document.getElementById("yaml").value.includes("PUT"));
    await send(page, () => page.keyboard.press("Control+Enter"));
    // Whoever types into the form goes on doing so.
    const focused = await page.evaluate(() => document.activeElement.value);
    return { read, written: await page.inputValue("#yaml"), focused };
}

async function mendViolations(page) {
    await page.fill("#yaml", "allowOrigins: [app.example]\nmaxAge: 24h\n");
    const problems = page.locator("#form .problem");
    const texts = (count) =>
        page
            .waitForFunction((count) => {
                const found = [...document.querySelectorAll("#form .problem")];
                return found.length === count && [{ texts: found.map((problem) => problem.firstChild.textContent) }];
            }, count)
            .then(async (handle) => (await handle.jsonValue())[0].texts);
    const ofText = await texts(2);
    await page.locator('[data-field="maxAge"]').getByRole("button", { name: "use this" }).click();
    await page.locator('input[data-path="allowOrigins[0]"][aria-invalid]').waitFor();
    const ofPolicy = await texts(1);
    const field = await problems.evaluate((problem) => problem.closest("[data-field]").dataset.field);
    const unsent = await send(page);
    await problems.getByRole("button").click();
    await texts(0);
    return { ofText, ofPolicy, field, headline: unsent.headline, mended: await page.inputValue("#yaml") };
}

/** What is written is shown as it is written, and never becomes part of the page. */
async function writeMarkup(page) {
    await page.fill("#yaml", "allowOrigins: ['<i id=forged>']\n");
    const problem = page.locator("#form .problem", { hasText: "<i id=forged>" });
    await problem.waitFor();
    return { shown: await problem.count(), forged: await page.locator("#forged").count() };
}

/** A link, copied after edits, in a page of its own. */
async function followLink(page, open) {
    await choose(page, "Two levels: a gateway's ceiling");
    await page.fill("#yaml", `# ü\nallowOrigins: ["*"]\nallowMethods: [PUT]\n`);
    await page.selectOption("#strategy", "union");
    await page.getByRole("button", { name: "+ header" }).first().click();
    await page.keyboard.type("X-Trace");
    const before = { shows: await send(page), ...(await written(page)) };
    const other = await open(page.url());
    const after = await written(other);
    return { before, after: { shows: await send(other), ...after } };
}

function written(page) {
    return page.evaluate(() => {
        const controls = document.querySelectorAll("main input, main select, main textarea");
        return {
            values: [...controls].map((control) => (control.type === "checkbox" ? control.checked : control.value)),
            fragment: location.hash,
        };
    });
}

/** How wide the page is where 360 pixels are there, with results and with violations. */
async function widthsAt360(url, open) {
    const page = await open(url, { width: 360, height: 740 });
    const widths = [];
    for (const preset of ["Works: a credentialed PUT", "Refused: a policy with mistakes", "A manifest: a route with two rules"]) {
        await choose(page, preset);
        await send(page);
        for (const tab of await page.getByRole("tab").all()) {
            await tab.click();
            widths.push(await page.evaluate(() => document.documentElement.scrollWidth));
        }
    }
    return widths;
}

/** What the page says that the console says, beside what the console says. */
async function compareConsoles(url, open) {
    const page = await open(url);
    const heard = [];
    page.on("console", (message) => {
        if (message.text().startsWith("Access to fetch")) heard.push(message.text());
    });
    const names = await page.locator("#preset option").allTextContents();
    const compared = [];
    for (const name of names.filter((name) => name.startsWith("Blocked:"))) {
        await choose(page, name);
        heard.length = 0;
        await send(page);
        const said = await page.evaluate(() => document.querySelector("#verdict .console code").textContent);
        const wayOut = await page.evaluate(() => document.querySelector("#verdict .way-out")?.textContent ?? null);
        compared.push({ name, said, heard: heard[0], wayOut });
    }
    return compared;
}

/** What is written smaller than 14 pixels, with results and with lints. */
async function smallText(page) {
    await tryPreset(page, "Works: a credentialed PUT");
    const small = () => {
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const found = new Set();
        while (walker.nextNode()) {
            const { parentElement: parent, textContent: text } = walker.currentNode;
            const isShown = text.trim() && parent.checkVisibility();
            if (isShown && Number.parseFloat(getComputedStyle(parent).fontSize) < 14) found.add(text.trim());
        }
        return [...found];
    };
    const found = await page.evaluate(small);
    await page.fill("#yaml", "allowOrigins: [http://a.example]\nallowCredentials: true\n");
    await page.getByRole("tab", { name: "lints" }).click();
    await page.locator("#lints li").waitFor();
    return [...found, ...(await page.evaluate(small))];
}

/** The tabs that a screen of 390 pixels does not show whole. */
async function cutTabs(url, open) {
    const page = await open(url, { width: 390, height: 844 });
    return page.evaluate(() => {
        const right = document.getElementById("tabs").getBoundingClientRect().right;
        const all = [...document.querySelectorAll("[role=tab]")];
        return all.filter((tab) => tab.getBoundingClientRect().right > right + 0.5).map((tab) => tab.textContent);
    });
}

async function pasteManifest(page) {
    await page.fill("#yaml", "");
    await page.focus("#yaml");
    await page.evaluate(() => {
        const area = document.getElementById("yaml");
        const text = "- type: CORS\n  cors:\n    # mine\n    allowOrigins: [https://a.example]\n";
        area.dispatchEvent(new ClipboardEvent("paste"));
        document.execCommand("insertText", false, text);
    });
    await page.waitForFunction(() => document.getElementById("yaml").value.startsWith("# mine"));
    const taken = await page.inputValue("#yaml");
    // What is typed stays as it is typed.
    await page.fill("#yaml", "cors:\n  maxAge: 7\n");
    await page.waitForFunction(() => document.querySelector('[data-path="maxAge"]').value === "7");
    return { taken, typed: await page.inputValue("#yaml"), notice: await page.textContent("#notice") };
}

/** A whole manifest: pasted, then another one from a file; a rule of it is chosen and tried, and its case is copied. */
async function giveManifest(url, open, context) {
    const page = await open(url);
    const reads = (expected) =>
        page.waitForFunction((text) => document.getElementById("prediction").textContent.startsWith(text), expected);
    const shows = () =>
        page.evaluate(() => {
            const value = (id) => document.getElementById(id).value;
            const rules = [...document.querySelectorAll("#given-rule option")].map((option) => option.textContent);
            return { rules, rule: value("given-rule"), url: value("given-url"), page: value("given-page") };
        });
    const rule = (path, origin) =>
        `  - matches: [{path: {value: ${path}}}]\n    filters:\n    - type: CORS\n      cors: {allowOrigins: [${origin}]}\n`;
    const route = (name, ...rules) =>
        `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: ${name}}\nspec:\n  ` +
        `hostnames: [${name}.example]\n  rules:\n${rules.join("")}`;

    await choose(page, "Works: a simple GET, no preflight");
    await page.getByRole("button", { name: "manifest", exact: true }).click();
    await page.focus("#given-text");
    await page.evaluate((text) => {
        document.getElementById("given-text").dispatchEvent(new ClipboardEvent("paste"));
        document.execCommand("insertText", false, text);
    }, route("api", rule("/v1", "https://app.example"), rule("/v2", "https://admin.example")));
    await reads("Expected: readable");
    const pasted = { ...(await shows()), sent: await send(page) };

    await page.fill("#given-page", "https://evil.example");
    await reads("Expected: blocked");
    const blocked = await send(page);

    await page.selectOption("#given-rule", { index: 1 });
    await reads("Expected: readable");
    const chosen = await shows();
    await page.getByRole("tab", { name: "manifest" }).click();
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
    await page.getByRole("button", { name: "copy case" }).click();
    await page.getByRole("button", { name: "copied" }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());

    const buffer = Buffer.from(route("shop", rule("/", "https://shop.example")).replace("https://", ""));
    await page.setInputFiles("#given-file", { name: "shop.yaml", mimeType: "application/yaml", buffer });
    await page.locator("#given-problems .problem").waitFor();
    const problem = await page.textContent("#given-problems .problem");
    await page.setInputFiles("#given-file", {
        name: "shop.yaml",
        mimeType: "application/yaml",
        buffer: Buffer.from(route("shop", rule("/", "https://shop.example"))),
    });
    await page.waitForFunction(() => document.getElementById("given-url").value === "https://shop.example/");
    await page.click("#copy-link");
    const other = await open(page.url());
    const linked = await other.inputValue("#given-text");

    await page.getByRole("button", { name: "route", exact: true }).click();
    const levels = { given: await page.locator("#given").isHidden(), panes: await page.locator("#panes").isVisible() };
    return { pasted, blocked, chosen, copied, problem, linked, levels };
}

/** What the tab of lints says beside violations. */
async function readLints(page) {
    await choose(page, "Refused: a policy with mistakes");
    await page.getByRole("tab", { name: "lints" }).click();
    await page.locator("#lints .problem").waitFor();
    return page.textContent("#lints");
}

async function followDamagedLink(url, open) {
    const page = await open(`${url}/#eyJwcm9maWxlIjoic3RyaWN0Iiwi`);
    const notice = await page.textContent("#notice");
    await choose(page, "Works: a simple GET, no preflight");
    return { notice, gone: await page.locator("#notice").isHidden() };
}

/** What an edit says once the server is gone, before anything is sent. */
async function loseServer(url, open, complaints) {
    const page = await open(url);
    const before = complaints.length;
    await page.route("**/read", (route) => route.abort());
    await page.fill("#yaml", "maxAge: 9\n");
    await page.waitForFunction(() => document.getElementById("prediction").textContent.includes("not answer"));
    // The console tells of the request that this script has cut.
    complaints.splice(before);
    return page.textContent("#prediction");
}
