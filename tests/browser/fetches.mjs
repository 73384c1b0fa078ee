// Makes requests as scripts of pages make them, and tells how each ended. In: a list of visits. Out, for each: what the
// script could read of the last response, or the error that it got instead, and why the console says it was refused.
//
// All share one profile. A visit's URL is its own, so no cache remembers anything of another.

import { setTimeout } from "node:timers/promises";

import { main } from "./chromium.mjs";
import { Pages } from "./pages.mjs";

/** How long the console may take to say why a request was refused, in milliseconds: the script knows first. */
const CONSOLE_PATIENCE = 5_000;

/** What the pages' browser has of the server; no page of another site sends it. */
const COOKIE = { name: "user", value: "ada", domain: "localhost", path: "/", sameSite: "Lax" };

await main(async (browser, visits) => {
    const context = await browser.newContext();
    await context.addCookies([COOKIE]);
    const pages = new Pages(context);
    const endings = [];
    for (const visit of visits) {
        const frame = await pages.frameFor(visit);
        const refusal = pages.refusalOf(visit.url);
        const ending = await frame.evaluate(fetchAndRead, visit);
        if (ending.error) {
            ending.console = await Promise.race([refusal, setTimeout(CONSOLE_PATIENCE, undefined, { ref: false })]);
        }
        endings.push(ending);
    }
    return endings;
});

/** Runs in the page, and so knows nothing else of this file. */
async function fetchAndRead({ url, init, times, uncheckedFirst, release }) {
    const signal = AbortSignal.timeout(30_000);
    try {
        if (uncheckedFirst) {
            await fetch(url, { mode: "no-cors", signal });
        }
        let ending;
        for (let time = 0; time < times; time += 1) {
            ending = await read(await fetch(url, { ...init, signal }));
        }
        return ending;
    } catch (error) {
        return { error: String(error) };
    }

    async function read(response) {
        const decoder = new TextDecoder();
        let body = "";
        for await (const chunk of response.body ?? []) {
            // The server sends the rest when it hears that the beginning is here.
            if (release && body === "") {
                await fetch(release, { signal });
            }
            body += decoder.decode(chunk, { stream: true });
        }
        return { status: response.status, sees: [...response.headers.keys()].sort(), body };
    }
}
