import { readFile } from "node:fs/promises";
import {
  getJobDecoder,
  getOpenSessionInstructionDataDecoder,
  getPostJobInstructionDataDecoder,
  JobState,
  OPEN_SESSION_DISCRIMINATOR,
  POST_JOB_DISCRIMINATOR,
} from "@assay/client";
import { getCompiledTransactionMessageDecoder, getTransactionDecoder, type ReadonlyUint8Array } from "@solana/kit";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KINDS, kindOf } from "../../src/data/kinds.ts";
import { secretOfKeypairFile, signerOfSecret } from "../../src/transact/burner.ts";
import { CLIENT_SECRET } from "../fixture/market.ts";
import { hasBrowser } from "./browser.ts";
import { type Stage, setStage } from "./stage.ts";
import { addWallet, answer, connectWallet } from "./wallet.ts";

let stage: Stage;
const signed = async (transaction: string) => {
  const signer = await signerOfSecret(CLIENT_SECRET);
  return Buffer.from(await signer.sign(Uint8Array.from(Buffer.from(transaction, "base64")))).toString("base64");
};
const withWallet = (page: Page) => addWallet(page, stage.market.client, signed);

function ownPostedJob(): string {
  for (const [address, bytes] of stage.market.accounts) {
    if (kindOf(bytes) !== "job") continue;
    const job = KINDS.job.read(bytes);
    if (job.client === stage.market.client && job.state === JobState.Posted) return address;
  }
  throw new Error("The client has no posted job.");
}

describe.skipIf(!hasBrowser())("signing", () => {
  beforeAll(async () => {
    stage = await setStage({ jobs: 600, nodes: 40 });
  });
  afterAll(async () => {
    await stage.close();
    expect(stage.errors).toEqual([]);
  });

  it("explains and simulates before it asks, takes no for an answer, and sends what was signed", async () => {
    const page = await stage.open(`/jobs/${ownPostedJob()}`, withWallet);
    await connectWallet(page);
    await page.getByRole("button", { name: "Take it back" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("If a node claims first, this fails and nothing changes.").waitFor();
    await dialog.getByText("It works: the endpoint ran it without a fault.").waitFor();
    await answer(page, "reject");
    await dialog.getByRole("button", { name: "Sign and take it back" }).click();
    await dialog.getByText("You did not sign. Nothing was sent and nothing has changed.").waitFor();
    expect(stage.fixture.sent).toHaveLength(0);
    await answer(page, "sign");
    await dialog.getByRole("button", { name: "Try again" }).click();
    await dialog.getByRole("button", { name: "Sign and take it back" }).click();
    await dialog.getByText("Confirmed.").waitFor();
    expect(stage.fixture.sent).toHaveLength(1);
    await page.close();
  });

  it("says what becomes of delegated stake, and has its reward claimed", async () => {
    const before = stage.fixture.sent.length;
    const page = await stage.open("/stake", withWallet);
    await connectWallet(page);
    await page
      .getByRole("link", { name: /^Delegated to / })
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Ask for it back" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Amount").fill("0.5");
    await dialog.getByRole("button", { name: "Go on" }).click();
    await dialog.getByText("What you have earned so far stays yours.").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Claim USDC" }).first().click();
    await dialog.getByText("It works: the endpoint ran it without a fault.").waitFor();
    await answer(page, "sign");
    await dialog.getByRole("button", { name: "Sign and claim" }).click();
    await dialog.getByText("Confirmed.").waitFor();
    expect(stage.fixture.sent).toHaveLength(before + 1);
    await page.close();
  });

  it("says why a transaction would fail, and sends nothing", async () => {
    stage.fixture.faults.simulationError = 6016;
    const before = stage.fixture.sent.length;
    const page = await stage.open(`/jobs/${ownPostedJob()}`, withWallet);
    await connectWallet(page);
    await page.getByRole("button", { name: "Take it back" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Only the client that posted the job may do this.").waitFor();
    expect(await dialog.getByRole("button", { name: "Sign and take it back" }).count()).toBe(0);
    expect(stage.fixture.sent).toHaveLength(before);
    stage.fixture.faults.simulationError = undefined;
    await page.close();
  });

  it("posts a job step by step, with every refund path said before the signature", async () => {
    const page = await stage.open("/post", withWallet);
    await connectWallet(page);
    await page
      .getByRole("radio", { name: /jobs that exist use it/ })
      .first()
      .check();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: /^Offer/ }).click();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByLabel("To challenge").fill("1");
    await page.getByText("Choose 450 to 216000 slots.").waitFor();
    expect(await page.getByRole("button", { name: "Go on" }).isDisabled()).toBe(true);
    await page.getByLabel("To challenge").fill("500");
    await page.getByRole("button", { name: "Go on" }).click();
    for (const ending of [
      "The result stands",
      "You change your mind",
      "No node claims it",
      "The node brings no result",
      "The result is proved wrong, or withheld",
    ]) {
      await page.getByRole("heading", { name: ending }).waitFor();
    }
    await page.getByRole("button", { name: "Try it out, then sign" }).click();
    const before = stage.fixture.sent.length;
    await page.getByRole("button", { name: "Sign and post" }).click();
    await expect.poll(() => stage.fixture.sent.length).toBe(before + 1);
    const args = postArguments(stage.fixture.sent.at(-1));
    expect(args).toMatchObject({ jobId: 0n, windowSlots: 500n, claimSlots: 160n, irVersion: 1 });
    const models = [...stage.market.accounts.values()]
      .filter((bytes) => kindOf(bytes) === "job")
      .map((bytes) => getJobDecoder().decode(bytes));
    const same = models.find(({ inputsRoot }) => inputsRoot.every((byte, index) => byte === args.inputsRoot[index]));
    expect(same?.paramsRoot).toEqual(args.paramsRoot);
    await page.close();
  });

  it("asks of nodes what the client wants, and says whom that leaves", async () => {
    const [node] = [...stage.market.accounts].find(([, bytes]) => kindOf(bytes) === "node") ?? [];
    const page = await stage.open(`/post?invite=${node}`, withWallet);
    await connectWallet(page);
    await page
      .getByRole("radio", { name: /jobs that exist use it/ })
      .first()
      .check();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: /^Offer/ }).click();
    await page.getByRole("button", { name: "Go on" }).click();
    expect(await page.getByLabel("Invited node").inputValue()).toBe(node);
    await page.getByText("The job invites another node.").waitFor();
    await page.getByLabel("Invited node").fill("");
    await page.getByText(/of 40 nodes could claim it now\./).waitFor();
    await page.getByLabel("Least reputation").fill("101");
    await page.getByText("Choose at most 100 %.").waitFor();
    await page.getByLabel("Least reputation").fill("99.9");
    await page.getByText("No node could claim this now.").waitFor();
    await page.getByText("Its reputation is below what the client asks for.", { exact: false }).waitFor();
    await page.getByLabel("Least reputation").fill("1.5");
    await page.getByLabel("Least hardware tier").fill("3");
    const region = page.getByRole("group", { name: "Regions" }).getByRole("button").first();
    const number = Number((await region.textContent())?.replace(/\D.*$/, "").slice(0, 1));
    await region.click();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("button", { name: "Try it out, then sign" }).click();
    const before = stage.fixture.sent.length;
    await page.getByRole("button", { name: "Sign and post" }).click();
    await expect.poll(() => stage.fixture.sent.length).toBe(before + 1);
    const { filter, invitedNode } = postArguments(stage.fixture.sent.at(-1));
    expect(invitedNode).toEqual({ __option: "None" });
    expect(filter).toMatchObject({
      __option: "Some",
      value: { regions: 1n << BigInt(number), capabilities: 0n, minimumTier: 3, minimumScore: [984] },
    });
    await page.close();
  });

  it("opens a session, with every refund path said before the signature", async () => {
    const page = await stage.open("/sessions", withWallet);
    await connectWallet(page);
    await page.getByRole("link", { name: "Open a session" }).click();
    await page
      .getByRole("radio", { name: /jobs that exist use it/ })
      .first()
      .check();
    await page
      .getByRole("radio", { name: /^\S+…\S+/ })
      .first()
      .check();
    await page.getByLabel("A request costs").fill("0.002");
    await page.getByLabel("Balance").fill("0.001");
    await page.getByText("The balance has to pay for one request at least.").first().waitFor();
    await page.getByLabel("Balance").fill("5");
    for (const ending of [
      "It serves to its end",
      "You or the node end it early",
      "The node stops answering",
      "You change your mind",
      "The node does not accept",
      "An answer is proved wrong",
    ]) {
      await page.getByRole("heading", { name: ending }).waitFor();
    }
    await page.getByText("2,500 requests").waitFor();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Make a key and save its file" }).click();
    const file = await (await saved).path();
    const secret = secretOfKeypairFile(await readFile(file, "utf8"));
    if ("error" in secret) throw new Error(secret.error);
    const voucherKey = (await signerOfSecret(secret.value)).address;
    await page.getByRole("button", { name: "Try it out, then sign" }).click();
    await page.getByText("It works: the endpoint ran it without a fault.").waitFor();
    const before = stage.fixture.sent.length;
    await page.getByRole("button", { name: "Sign and open it" }).click();
    await expect.poll(() => stage.fixture.sent.length).toBe(before + 1);
    const data = sentData(stage.fixture.sent.at(-1), OPEN_SESSION_DISCRIMINATOR);
    expect(getOpenSessionInstructionDataDecoder().decode(data)).toMatchObject({
      sessionId: 0n,
      price: 2_000n,
      balance: 5_000_000n,
      acceptSlots: 750n,
      sessionSlots: 4_500n,
      windowSlots: 450n,
      voucherKey,
    });
    await page.close();
  });

  it("connects the wallet that it remembers without asking", async () => {
    const page = await stage.open("/stake", withWallet);
    await page
      .getByText("You have no node")
      .or(page.getByRole("heading", { name: /^Node/ }))
      .first()
      .waitFor();
    expect(await page.getByRole("button", { name: "Connect", exact: true }).count()).toBe(0);
    await page.close();
  });
});

function postArguments(transaction: Uint8Array | undefined) {
  return getPostJobInstructionDataDecoder().decode(sentData(transaction, POST_JOB_DISCRIMINATOR)).args;
}

/** The data of the instruction that begins so. */
function sentData(transaction: Uint8Array | undefined, discriminator: ReadonlyUint8Array): ReadonlyUint8Array {
  if (transaction === undefined) throw new Error("Nothing was sent.");
  const { messageBytes } = getTransactionDecoder().decode(transaction);
  const message = getCompiledTransactionMessageDecoder().decode(messageBytes);
  if (!("instructions" in message)) throw new Error("The message has no instructions.");
  const found = message.instructions.find(({ data }) => discriminator.every((byte, index) => data?.[index] === byte));
  if (found?.data === undefined) throw new Error("No such instruction was sent.");
  return found.data;
}
