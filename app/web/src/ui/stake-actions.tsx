/** Buttons with which stake moves in and out of a node. */
import { Plus, Undo2 } from "lucide-react";
import { useState } from "react";
import { useMarket, useNetwork, useSlot } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { parseAmount } from "../model/amounts.ts";
import { freeStake } from "../model/node-view.ts";
import { useSigning } from "../transact/context.tsx";
import type { Plan } from "../transact/plan.ts";
import { addStake, cancelWithdrawal, requestWithdrawal, withdrawStake } from "../transact/plans/nodes.ts";
import { Review } from "../transact/review.tsx";
import { Button } from "./basics.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./field.tsx";
import { useStakeUnit, withSymbol, writeAmount } from "./unit.tsx";

/** For the node's page; who owns the node sees more of them. */
export function NodeStakeActions({ row }: { row: Row<"node"> }) {
  const { signer, choose } = useSigning();
  const network = useNetwork()?.data;
  const slot = useSlot();
  const market = useMarket();
  const unit = useStakeUnit();
  const [asking, setAsking] = useState<"add" | "withdraw">();
  const [plan, setPlan] = useState<Plan>();
  if (network === undefined) return null;
  const write = (value: bigint) => withSymbol(value, unit);
  const own = signer?.address === row.data.withdrawAuthority;
  const released = row.data.unbonding.some(({ amount, releaseSlot }) => amount > 0n && releaseSlot <= slot);
  const queued = row.data.unbonding.findIndex(({ amount }) => amount > 0n);
  const queuedAmount = row.data.unbonding[queued]?.amount ?? 0n;
  const take = (amount: bigint) =>
    setPlan(
      asking === "add"
        ? addStake(row.address, network.stakeMint, amount, own, write)
        : requestWithdrawal(row.address, amount, network.parameters.unbondingSlots, market.pace.slotMs, write),
    );
  return (
    <>
      <Button icon={Plus} onClick={() => (signer === undefined ? choose(true) : setAsking("add"))}>
        Add stake
      </Button>
      {own && <Button onClick={() => setAsking("withdraw")}>Withdraw stake</Button>}
      {own && queued >= 0 && (
        <Button icon={Undo2} onClick={() => setPlan(cancelWithdrawal(row.address, queued, queuedAmount, write))}>
          Cancel a withdrawal
        </Button>
      )}
      {own && released && (
        <Button look="primary" onClick={() => setPlan(withdrawStake(row, network.stakeMint, slot, write))}>
          Take out what is released
        </Button>
      )}
      {asking !== undefined && (
        <AmountDialog
          title={asking === "add" ? "Add stake" : "Withdraw stake"}
          most={asking === "add" ? undefined : freeStake(row.data)}
          onClose={() => setAsking(undefined)}
          onAmount={(amount) => {
            take(amount);
            setAsking(undefined);
          }}
        />
      )}
      {plan !== undefined && <Review plan={plan} onClose={() => setPlan(undefined)} />}
    </>
  );
}

/** Asks for an amount of stake. */
export function AmountDialog({
  title,
  most,
  onClose,
  onAmount,
}: {
  title: string;
  most: bigint | undefined;
  onClose: () => void;
  onAmount: (amount: bigint) => void;
}) {
  const unit = useStakeUnit();
  const [text, setText] = useState("");
  const parsed = parseAmount(text, unit.decimals ?? 0);
  const fault = "error" in parsed ? parsed.error : amountFault(parsed.value, most, (value) => withSymbol(value, unit));
  return (
    <Dialog
      title={title}
      onClose={onClose}
      foot={
        <Button
          look="primary"
          disabled={fault !== undefined}
          onClick={() => "value" in parsed && onAmount(parsed.value)}
        >
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
        error={text === "" ? undefined : fault}
        hint={most === undefined ? undefined : `At most ${writeAmount(most, unit)} is free.`}
      />
    </Dialog>
  );
}

function amountFault(value: bigint, most: bigint | undefined, write: (value: bigint) => string): string | undefined {
  if (value === 0n) return "It has to be more than nothing.";
  return most !== undefined && value > most ? `Only ${write(most)} is free.` : undefined;
}
