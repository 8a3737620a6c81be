/** Creating a budget, and moving tokens in and out of it. */
import type { PaymentMint } from "@assay/client/generated";
import type { Address } from "@solana/kit";
import { useState } from "react";
import { useMarket, useSlot, useTable } from "../data/hooks.ts";
import { parseAmount } from "../model/amounts.ts";
import { parseAddress } from "../model/keys.ts";
import { formatSlots } from "../model/time.ts";
import type { Plan } from "../transact/plan.ts";
import { createBudget, fundBudget, withdrawBudget } from "../transact/plans/budgets.ts";
import { Review } from "../transact/review.tsx";
import { Button, Note } from "./basics.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./field.tsx";
import { useUnit, withSymbol } from "./unit.tsx";

const LAMPORT_DECIMALS = 9;

/** Asks for the limits, then has the creation signed. */
export function BudgetDialog({ taken, onClose }: { taken: readonly number[]; onClose: () => void }) {
  const mint = useTable("paymentMint").rows.find(({ data }) => data.enabled)?.data;
  const unit = useUnit(mint?.mint);
  const slot = useSlot();
  const { pace } = useMarket();
  const [text, setText] = useState({
    agent: "",
    job: "",
    period: "",
    periodSlots: "216000",
    forSlots: "1512000",
    open: "8",
    tokens: "",
    sol: "0.1",
  });
  const [plan, setPlan] = useState<Plan>();
  if (mint === undefined) {
    return (
      <Dialog title="Create a budget" onClose={onClose}>
        <Note tone="warn" title="No token is accepted for payments yet." />
      </Dialog>
    );
  }
  if (plan !== undefined) return <Review plan={plan} onClose={onClose} />;
  const agent = parseAddress(text.agent);
  const job = parseAmount(text.job, mint.decimals);
  const period = parseAmount(text.period, mint.decimals);
  const tokens = parseAmount(text.tokens === "" ? "0" : text.tokens, mint.decimals);
  const sol = parseAmount(text.sol === "" ? "0" : text.sol, LAMPORT_DECIMALS);
  const whole = (value: string) => (/^[1-9]\d{0,9}$/.test(value) ? BigInt(value) : undefined);
  const [periodSlots, forSlots, open] = [whole(text.periodSlots), whole(text.forSlots), whole(text.open)];
  const complete =
    "value" in agent &&
    "value" in job &&
    "value" in period &&
    "value" in tokens &&
    "value" in sol &&
    periodSlots !== undefined &&
    forSlots !== undefined &&
    open !== undefined;
  const index =
    Array.from({ length: taken.length + 1 }, (_, candidate) => candidate).find(
      (candidate) => !taken.includes(candidate),
    ) ?? 0;
  const go = () => {
    if (!complete) return;
    const limits = {
      maximumJobEscrow: job.value,
      maximumPeriodEscrow: period.value,
      periodSlots,
      maximumPrice: job.value,
      maximumOpenJobs: Number(open),
      lastSlot: slot + forSlots,
      anyGraph: true,
      graphs: [],
      anyNode: true,
      nodes: [],
    };
    const token = { mint: mint.mint, tokenProgram: mint.tokenProgram, decimals: mint.decimals };
    setPlan(
      createBudget(index, agent.value, limits, token, { tokens: tokens.value, lamports: sol.value }, (value) =>
        withSymbol(value, unit),
      ),
    );
  };
  const field = (key: keyof typeof text) => ({
    value: text[key],
    onChange: (value: string) => setText({ ...text, [key]: value }),
  });
  const fault = (key: keyof typeof text, parsed: { error: string } | object) =>
    text[key] !== "" && "error" in parsed ? (parsed.error as string) : undefined;
  const number = (value: bigint | undefined) => (value === undefined ? "Enter a whole number above zero." : undefined);
  return (
    <Dialog
      title="Create a budget"
      onClose={onClose}
      foot={
        <Button look="primary" disabled={!complete} onClick={go}>
          Go on
        </Button>
      }
    >
      <TextField
        label="Agent's address"
        {...field("agent")}
        mono
        error={fault("agent", agent)}
        hint="The key that may post jobs within the limits."
      />
      <div className="form-grid">
        <TextField
          label="A job, at most"
          {...field("job")}
          unit={unit.symbol}
          inputMode="decimal"
          error={fault("job", job)}
        />
        <TextField
          label="A period, at most"
          {...field("period")}
          unit={unit.symbol}
          inputMode="decimal"
          error={fault("period", period)}
        />
        <TextField
          label="Length of a period"
          {...field("periodSlots")}
          unit="slots"
          inputMode="numeric"
          error={number(periodSlots)}
          hint={periodSlots && formatSlots(periodSlots, pace.slotMs)}
        />
        <TextField
          label="Agent may post for"
          {...field("forSlots")}
          unit="slots"
          inputMode="numeric"
          error={number(forSlots)}
          hint={forSlots && formatSlots(forSlots, pace.slotMs)}
        />
        <TextField label="Open jobs, at most" {...field("open")} inputMode="numeric" error={number(open)} />
        <TextField
          label="Tokens to begin with"
          {...field("tokens")}
          unit={unit.symbol}
          inputMode="decimal"
          placeholder="0"
          error={fault("tokens", tokens)}
        />
        <TextField
          label="For the rent of its jobs"
          {...field("sol")}
          unit="SOL"
          inputMode="decimal"
          error={fault("sol", sol)}
        />
      </div>
    </Dialog>
  );
}

/** Asks for an amount and has it moved. */
export function FillDialog({
  budget,
  mint,
  mode,
  onClose,
}: {
  budget: Address;
  mint: PaymentMint;
  mode: "fund" | "withdraw";
  onClose: () => void;
}) {
  const unit = useUnit(mint.mint);
  const [text, setText] = useState("");
  const [plan, setPlan] = useState<Plan>();
  const parsed = parseAmount(text, mint.decimals);
  const write = (value: bigint) => withSymbol(value, unit);
  const go = () => {
    if ("error" in parsed) return;
    const token = { mint: mint.mint, tokenProgram: mint.tokenProgram, decimals: mint.decimals };
    setPlan(
      mode === "fund"
        ? fundBudget(budget, token, { tokens: parsed.value, lamports: 0n }, write)
        : withdrawBudget(budget, token, parsed.value, write),
    );
  };
  if (plan !== undefined) return <Review plan={plan} onClose={onClose} />;
  return (
    <Dialog
      title={mode === "fund" ? "Add to the budget" : "Take out of the budget"}
      onClose={onClose}
      foot={
        <Button look="primary" disabled={"error" in parsed} onClick={go}>
          Go on
        </Button>
      }
    >
      <TextField
        label="Amount"
        value={text}
        onChange={setText}
        unit={unit.symbol}
        inputMode="decimal"
        error={text !== "" && "error" in parsed ? parsed.error : undefined}
      />
    </Dialog>
  );
}
