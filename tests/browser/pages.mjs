// The pages that requests are made from, opened when they are first asked for, and what their consoles say.

export class Pages {
    #frames = new Map();
    #context;

    constructor(context) {
        this.#context = context;
    }

    async frameFor({ page: url, sandboxed }) {
        const key = `${url} ${sandboxed}`;
        if (!this.#frames.has(key)) {
            const page = await this.#context.newPage();
            await page.goto(url);
            this.#frames.set(key, sandboxed ? await sandboxedFrame(page) : page.mainFrame());
        }
        return this.#frames.get(key);
    }

    /** Resolves to what a console says of the refusal of the request for `url`. */
    refusalOf(url) {
        return new Promise((resolve) => {
            this.#context.on("console", (message) => {
                const [request, refusal] = message.text().split(" has been blocked by CORS policy: ");
                if (refusal && request.includes(`'${url}'`)) {
                    resolve(refusal);
                }
            });
        });
    }
}

/** A frame in `page` whose origin is opaque, which a browser spells `null`. */
async function sandboxedFrame(page) {
    await page.evaluate(() => {
        const frame = document.createElement("iframe");
        frame.sandbox = "allow-scripts";
        frame.srcdoc = "<!doctype html><title>sandboxed</title>";
        document.body.append(frame);
        return new Promise((resolve) => (frame.onload = resolve));
    });
    return page.mainFrame().childFrames()[0];
}
