import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { hasLocalnet, Localnet } from "@assay/localnet";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signerOfSecret } from "../../src/transact/burner.ts";
import { hasBrowser, openBrowser } from "./browser.ts";
import { serveApp } from "./static-server.ts";
import { addWallet, connectWallet } from "./wallet.ts";

/** Where pictures of what happened go, if anywhere, and which of them; without a choice, all. */
const PICTURES = process.env.ASSAY_SCREENS;
const CHOSEN = process.env.ASSAY_SCREENS_ONLY?.split(",");
const PATIENCE = { timeout: 180_000 };

let localnet: Localnet;
let app: Awaited<ReturnType<typeof serveApp>>;
let browser: Awaited<ReturnType<typeof openBrowser>>;
const errors: string[] = [];

async function open(path: string, index = "none"): Promise<Page> {
  const page = await browser.context.newPage();
  page.on("pageerror", (error) => errors.push(`${path}: ${error.message}`));
  const signer = await signerOfSecret(localnet.clientSecret);
  await addWallet(page, signer.address, async (transaction) =>
    Buffer.from(await signer.sign(Uint8Array.from(Buffer.from(transaction, "base64")))).toString("base64"),
  );
  const asked = new URLSearchParams({ rpc: localnet.ready.rpc_url, index });
  await page.goto(`${app.url}${path}?${asked}`);
  await page.waitForSelector("h1");
  return page;
}

/** A picture of what is in view, with the middle of it at `around`. */
async function picture(page: Page, name: string, around = page.locator("h1")): Promise<void> {
  if (PICTURES === undefined || CHOSEN?.includes(name) === false) return;
  mkdirSync(PICTURES, { recursive: true });
  await around.first().evaluate((element) => {
    (document.activeElement as HTMLElement | null)?.blur();
    element.scrollIntoView({ block: "center" });
  });
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(PICTURES, `${name}.jpg`), type: "jpeg", quality: 82 });
}

const state = (page: Page, name: string) => page.locator(".page-head .badge", { hasText: name }).waitFor(PATIENCE);

describe.skipIf(!hasBrowser() || !hasLocalnet())("on a localnet with the real program", { timeout: 400_000 }, () => {
  beforeAll(async () => {
    localnet = await Localnet.start(2);
    app = await serveApp();
    browser = await openBrowser({ viewport: { width: 1_280, height: 860 } });
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
    await localnet?.stop();
    expect(errors).toEqual([]);
  });

  it("a job that nobody claims is taken back, and everything returns", async () => {
    const job = localnet.postDigits(100);
    const page = await open(`/jobs/${job}`);
    await state(page, "Posted");
    await connectWallet(page);
    await page.getByRole("button", { name: "Take it back" }).click();
    await page.getByRole("button", { name: "Sign and take it back" }).click();
    await page.getByText("Confirmed.").waitFor(PATIENCE);
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
    await state(page, "Cancelled");
    await picture(page, "refund");
    await page.getByRole("button", { name: "Take out what is yours" }).click();
    await page.getByText(/go to your token account/).waitFor();
    await page.getByRole("button", { name: "Sign and withdraw" }).click();
    await page.getByText("There is no job at this address").waitFor(PATIENCE);
    await page.close();
  });

  it("a job is posted through the wizard, computed by a node, verified in the page, and settles on screen", async () => {
    await localnet.addNode(0);
    localnet.postDigits(100);
    const page = await open("/post");
    await connectWallet(page);
    await page
      .getByRole("radio", { name: /jobs that exist use it/ })
      .first()
      .check();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByLabel("First price").fill("0.5");
    await page.getByLabel("Highest price").fill("2");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByLabel("To challenge").fill("150");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: "Try it out, then sign" }).click();
    await page.getByText("It works: the endpoint ran it without a fault.").waitFor(PATIENCE);
    await picture(page, "post-review");
    await page.getByRole("button", { name: "Sign and post" }).click();
    await page.getByRole("heading", { level: 1, name: /^Job / }).waitFor(PATIENCE);
    await state(page, "In window");
    await page.getByRole("button", { name: "Fetch and check it" }).click();
    await page.getByText("These are the committed bytes, checked here.").waitFor(PATIENCE);
    await page.getByRole("button", { name: "Verify it in this page" }).click();
    await page.getByText("Verified here: the result is right.").waitFor(PATIENCE);
    await picture(page, "job-verified", page.getByText("Verified here: the result is right."));
    await state(page, "Settled");
    await page.getByText("The job settled.").waitFor(PATIENCE);
    await picture(page, "settled");
    await page.close();
  });

  it("files are uploaded from the page, posted, and computed by a node that fetched them", async () => {
    const page = await open("/post");
    await connectWallet(page);
    await page.getByRole("radio", { name: /^Another model/ }).check();
    await page.getByLabel("Store for your files").fill(localnet.storeUrl);
    // As if nobody had made them before: a file of another name with the same bytes is the same artifact.
    for (const [field, name] of [
      ["address of the graph", "graph"],
      ["address of the weights", "params"],
      ["address of the inputs", "inputs"],
    ] as const) {
      await page.getByLabel(`File for ${field}`).setInputFiles(localnet.file(`digits/digits.${name}`));
      await page
        .getByText(`digits.${name}, `, { exact: false })
        .filter({ hasText: "is in the store" })
        .waitFor(PATIENCE);
    }
    await page.getByLabel("Values of the graph's symbols").fill("16");
    await page.getByRole("button", { name: "Check and hash it" }).click();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByLabel("First price").fill("0.5");
    await page.getByLabel("Highest price").fill("2");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByLabel("To challenge").fill("400");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: "Try it out, then sign" }).click();
    await page.getByRole("button", { name: "Sign and post" }).click();
    await page.getByRole("heading", { level: 1, name: /^Job / }).waitFor(PATIENCE);
    await state(page, "In window");
    await page.close();
  });

  it("a session is opened through the page, and its node accepts it", async () => {
    const page = await open("/sessions/new");
    await connectWallet(page);
    await page
      .getByRole("radio", { name: /jobs that exist use it/ })
      .first()
      .check();
    await page
      .getByRole("radio", { name: /reputation/ })
      .first()
      .check();
    await page.getByLabel("A request costs").fill("0.001");
    await page.getByLabel("Balance").fill("1");
    await page.getByLabel("Window after the end").fill("150");
    await page.getByRole("button", { name: "Try it out, then sign" }).click();
    await page.getByText("It works: the endpoint ran it without a fault.").waitFor(PATIENCE);
    await picture(page, "session-review");
    await page.getByRole("button", { name: "Sign and open it" }).click();
    await page.getByRole("heading", { level: 1, name: /^Session / }).waitFor(PATIENCE);
    await state(page, "Active");
    await picture(page, "session");
    await page.getByRole("button", { name: "End the session" }).click();
    await page.getByRole("button", { name: "Sign and end it" }).click();
    await page.getByText("Confirmed.").waitFor(PATIENCE);
    await page.close();
  });

  it("a liar is convicted on screen, and the client refunded", async () => {
    const page = await open("/disputes");
    localnet.addValidator();
    await localnet.addNode(1, "element:element=5,bit=3");
    const liar = JSON.parse(localnet.assay(["node", "status", "--data", "node-1"], localnet.ready.keys.nodes[1])) as {
      node: string;
    };
    const job = localnet.postDigits(400, ["--invite", liar.node]);
    await page.close();
    const seen = await open(`/jobs/${job}`);
    await state(seen, "In window");
    await seen.getByRole("button", { name: "Verify it in this page" }).click();
    await seen.getByText("The result is wrong: this page computed another one.").waitFor(PATIENCE);
    await picture(seen, "wrong");
    await seen.getByRole("button", { name: "Recompute one element" }).click();
    await seen.getByRole("textbox", { name: "Element" }).fill("999999");
    await seen.getByText(/has elements 0 to /).waitFor();
    await seen.getByRole("textbox", { name: "Element" }).fill("0");
    await seen.getByRole("button", { name: "Recompute it in this page" }).click();
    // Compared as well where the liar serves what it committed to.
    await seen.getByText(/^Recomputed here: element 0 of tensor \d+ is -?\d+/).waitFor(PATIENCE);
    await state(seen, "Convicted");
    await seen.getByText("One element of the result is not what the graph computes").first().waitFor(PATIENCE);
    await seen.getByRole("link", { name: "Follow the dispute" }).click();
    await seen.getByRole("heading", { name: "Who got what" }).waitFor(PATIENCE);
    await picture(seen, "liar-convicted");
    expect(await seen.getByText("Back to the client").count()).toBe(1);
    await seen.close();
  });

  it("the index remembers the closed job, the lie, and what it did to the liar's reputation", async () => {
    const page = await open("/", localnet.indexUrl);
    await page.getByRole("img", { name: /jobs settled and 1 were convicted in the last 24 hours/ }).waitFor(PATIENCE);
    await picture(page, "overview-indexed");
    await page.goto(page.url().replace("/?", "/jobs?"));
    await page.getByRole("button", { name: /^Closed too/ }).click();
    await page.locator(".grid-row", { hasText: "Cancelled" }).first().locator(".row-link").click();
    await page.getByText("The account of this job is gone.").waitFor();
    await page.getByText("The job ended: cancelled.").waitFor();
    await page.getByText("The account was closed.").waitFor();
    await picture(page, "closed-job");
    const liar = JSON.parse(localnet.assay(["node", "status", "--data", "node-1"], localnet.ready.keys.nodes[1])) as {
      node: string;
    };
    const seen = await open(`/nodes/${liar.node}`, localnet.indexUrl);
    await seen.getByText("A fault was proved against it.").waitFor(PATIENCE);
    await seen.getByRole("heading", { name: "Reputation over time" }).waitFor();
    await picture(seen, "liar");
    await seen.close();
    await page.close();
  });
});
