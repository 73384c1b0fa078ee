// Starts Debian's Chromium without a window and hands it to `work` together with the input, JSON on stdin; what `work`
// resolves to is printed as JSON. Chromium has a user data directory of its own, and ends with this process: playwright
// talks to it through a pipe, and it leaves when the pipe closes.

import { text } from "node:stream/consumers";

import { chromium } from "playwright-core";

const ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/** How long a whole run may take, in milliseconds; the test that started it waits a little longer. */
const PATIENCE = 150_000;

/**
 * Runs `work(browser, input)` within the time that a run has.
 *
 * @param {(browser: import("playwright-core").Browser, input: any) => Promise<any>} work
 */
export async function main(work) {
    const deadline = setTimeout(() => {
        console.error(`not done within ${PATIENCE / 1000} seconds`);
        process.exit(1);
    }, PATIENCE);
    const input = JSON.parse(await text(process.stdin));
    const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
    // The sandbox needs rights that a container seldom gives, and the pages are the tests' own.
    const browser = await chromium.launch({ executablePath, args: ARGUMENTS, headless: true, chromiumSandbox: false });
    try {
        console.log(JSON.stringify(await work(browser, input)));
    } finally {
        await browser.close();
        clearTimeout(deadline);
    }
}
