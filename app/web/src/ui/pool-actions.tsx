/** What the owner of a node can do with the pool of what is delegated to it. */
import { useState } from "react";
import { useMarket, useNetwork, useSlot } from "../data/hooks.ts";
import type { Row } from "../data/kinds.ts";
import { parseAmount } from "../model/amounts.ts";
import { NOBODY } from "../model/keys.ts";
import { useSigning } from "../transact/context.tsx";
import type { Plan } from "../transact/plan.ts";
import { closePool, openPool, poolFault, setCommission } from "../transact/plans/pools.ts";
import { Review } from "../transact/review.tsx";
import { Button } from "./basics.tsx";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./field.tsx";

/** Buttons for the owner alone; nothing for everybody else. */
export function PoolActions({ row, pool }: { row: Row<"node">; pool: Row<"delegationPool"> | undefined }) {
  const { signer } = useSigning();
  const network = useNetwork()?.data;
  const slot = useSlot();
  const { pace } = useMarket();
  const [asking, setAsking] = useState(false);
  const [plan, setPlan] = useState<Plan>();
  if (network === undefined || signer?.address !== row.data.withdrawAuthority) return null;
  const isOpen = row.data.delegation.open;
  const fault = pool === undefined ? undefined : poolFault(pool, NOBODY);
  const take = (commissionBps: number) => {
    const { unbondingSlots } = network.parameters;
    setPlan(
      isOpen
        ? setCommission(row, commissionBps, slot, unbondingSlots, pace.slotMs)
        : openPool(row.address, commissionBps),
    );
    setAsking(false);
  };
  return (
    <>
      {(isOpen || row.data.fraudConvictions === 0) && (
        <Button onClick={() => setAsking(true)}>{isOpen ? "Set the commission" : "Take delegations"}</Button>
      )}
      {isOpen && (
        <Button disabled={fault !== undefined} title={fault} onClick={() => setPlan(closePool(row.address))}>
          Close the pool
        </Button>
      )}
      {asking && <CommissionDialog isOpen={isOpen} onClose={() => setAsking(false)} onCommission={take} />}
      {plan !== undefined && <Review plan={plan} onClose={() => setPlan(undefined)} />}
    </>
  );
}

function CommissionDialog({
  isOpen,
  onClose,
  onCommission,
}: {
  isOpen: boolean;
  onClose: () => void;
  onCommission: (commissionBps: number) => void;
}) {
  const [text, setText] = useState("");
  const parsed = parseAmount(text, 2);
  const fault = "error" in parsed ? parsed.error : parsed.value > 10_000n ? "Choose at most 100 %." : undefined;
  return (
    <Dialog
      title={isOpen ? "Set the commission" : "Take delegations"}
      onClose={onClose}
      foot={
        <Button
          look="primary"
          disabled={fault !== undefined}
          onClick={() => "value" in parsed && onCommission(Number(parsed.value))}
        >
          Go on
        </Button>
      }
    >
      <TextField
        label="Commission"
        value={text}
        onChange={setText}
        unit="%"
        inputMode="decimal"
        error={text === "" ? undefined : fault}
        hint="What you keep of your delegators' share. A fall holds at once, a raise only after the unbonding time."
      />
    </Dialog>
  );
}
