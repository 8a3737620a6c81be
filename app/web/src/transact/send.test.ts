import { getSignatureFromTransaction, getTransactionDecoder } from "@solana/kit";
import { describe, expect, it } from "vitest";
import { CLIENT_SECRET } from "../../tests/fixture/market.ts";
import { signerOfSecret } from "./burner.ts";
import { type Answers, CONFIRMED, epochAt, fakeEndpoint, LAST_VALID, Refusal, valued } from "./fake-endpoint.ts";
import { type Progress, SendFailed, send } from "./send.ts";
import type { Signer } from "./signer.ts";

const lost = () => {
  throw new TypeError("Failed to fetch");
};

/** Answers in turn, the last one from then on. */
function inTurn(...answers: ReadonlyArray<() => unknown>): () => unknown {
  let next = 0;
  return () => answers[Math.min(next++, answers.length - 1)]?.();
}

/** Sends an empty transaction by way of such an endpoint; what came of it, what was shown meanwhile, and the right signature. */
async function sent(answers: Answers, change: (signed: Uint8Array) => Uint8Array = (signed) => signed) {
  const endpoint = fakeEndpoint(answers);
  const own = await signerOfSecret(CLIENT_SECRET);
  let signature: string | undefined;
  const signer: Signer = {
    ...own,
    async sign(bytes) {
      const signed = await own.sign(bytes);
      signature = getSignatureFromTransaction(getTransactionDecoder().decode(signed));
      return change(signed);
    },
  };
  const shown: Progress[] = [];
  const signal = new AbortController().signal;
  const outcome = await send(endpoint.rpc, signer, [], 1_000, (progress) => shown.push(progress), signal).catch(
    (error: unknown) => error,
  );
  const isInDoubt = shown.some((progress) => progress.name === "sending" && !progress.isAnswered);
  return { outcome, shown, signature, isInDoubt, asked: endpoint.asked };
}

const NEVER = "The transaction did not land in time and never will. Nothing happened; try again.";

describe("sending", () => {
  it("gives the signature of what was signed, whatever the endpoint calls it", async () => {
    const { outcome, signature, shown, isInDoubt } = await sent({ getSignatureStatuses: () => valued([CONFIRMED]) });
    expect(outcome).toBe(signature);
    expect(shown[0]).toEqual({ name: "signing" });
    expect(shown[1]).toEqual({ name: "sending", signature, isAnswered: true });
    expect(isInDoubt).toBe(false);
  });

  it("is not known while the answer is lost, and goes on until it is", async () => {
    const { outcome, signature, shown, isInDoubt } = await sent({
      sendTransaction: lost,
      getSignatureStatuses: inTurn(
        () => valued([null]),
        () => valued([CONFIRMED]),
      ),
    });
    expect(isInDoubt).toBe(true);
    expect(shown).toContainEqual({ name: "sending", signature, isAnswered: false });
    expect(outcome).toBe(signature);
  });

  it("goes on while the endpoint is down", async () => {
    const { outcome, signature, isInDoubt } = await sent({
      getEpochInfo: inTurn(lost, () => epochAt(100n)),
      getSignatureStatuses: inTurn(lost, () => valued([CONFIRMED])),
    });
    expect(isInDoubt).toBe(true);
    expect(outcome).toBe(signature);
  });

  it("looks for what landed at the last moment before it says that nothing happened", async () => {
    // The height is read first: a status of before it would be too old.
    const states = inTurn(
      () => null,
      () => CONFIRMED,
    );
    const { outcome, signature } = await sent({
      getEpochInfo: inTurn(
        () => epochAt(LAST_VALID),
        () => epochAt(LAST_VALID + 1n),
      ),
      getSignatureStatuses: () => valued([states()]),
    });
    expect(outcome).toBe(signature);
  });

  it("does not believe a node that lags behind the height, nor a transaction that is only processed", async () => {
    const { outcome, signature } = await sent({
      getEpochInfo: () => epochAt(LAST_VALID + 1n),
      getSignatureStatuses: inTurn(
        () => valued([null], LAST_VALID),
        () => valued([{ ...CONFIRMED, confirmationStatus: "processed" }]),
        () => valued([CONFIRMED]),
      ),
    });
    expect(outcome).toBe(signature);
  });

  it("says that nothing happened once that is certain, out of the whole history", async () => {
    const options: unknown[] = [];
    const { outcome, asked } = await sent({
      sendTransaction: lost,
      getEpochInfo: inTurn(
        () => epochAt(100n),
        () => epochAt(LAST_VALID + 1n),
      ),
      getSignatureStatuses: (params) => {
        options.push(params[1]);
        return valued([null]);
      },
    });
    expect(outcome).toBeInstanceOf(SendFailed);
    expect(outcome).toHaveProperty("message", NEVER);
    expect(options).toEqual([{ searchTransactionHistory: false }, { searchTransactionHistory: true }]);
    expect(asked.filter((method) => method === "sendTransaction")).toHaveLength(1);
  });

  it("takes the endpoint's word that it passed nothing on, and no other failure for one", async () => {
    const refused = (err: unknown) => () => {
      throw new Refusal(-32_002, { err, logs: [], accounts: null, unitsConsumed: 0 });
    };
    const preflight = await sent({ sendTransaction: refused({ InstructionError: [1, { Custom: 6016 }] }) });
    expect(preflight.outcome).toBeInstanceOf(SendFailed);
    expect(preflight.outcome).toHaveProperty("message", expect.stringContaining("(P6016)"));
    expect(preflight.asked).not.toContain("getSignatureStatuses");
    const internal = () => {
      throw new Refusal(-32_603);
    };
    for (const sendTransaction of [refused("AlreadyProcessed"), internal]) {
      const landed = await sent({ sendTransaction, getSignatureStatuses: () => valued([CONFIRMED]) });
      expect(landed.outcome).toBe(landed.signature);
    }
  });

  it("says why it failed in a block", async () => {
    const err = { InstructionError: [1, { Custom: 6016 }] };
    const { outcome } = await sent({ getSignatureStatuses: () => valued([{ ...CONFIRMED, err }]) });
    expect(outcome).toBeInstanceOf(SendFailed);
    expect(outcome).toHaveProperty("message", expect.stringContaining("(P6016)"));
  });

  it("sends nothing whose end it could not tell", async () => {
    const { outcome, asked } = await sent({}, (signed) => {
      const changed = Uint8Array.from(signed);
      // One signature, the header, one count and as many accounts as it has, then the blockhash.
      const accounts = changed[69] ?? 0;
      changed[70 + accounts * 32] = 1 ^ (changed[70 + accounts * 32] ?? 0);
      return changed;
    });
    expect(outcome).toHaveProperty(
      "message",
      "The wallet changed how long the transaction is valid. Nothing was sent.",
    );
    expect(asked).not.toContain("sendTransaction");
  });
});
