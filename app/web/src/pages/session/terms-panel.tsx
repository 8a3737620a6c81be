/** Price, balance and deadlines of a session, and the key that spends the balance. */
import type { PaymentMint } from "@assay/client";
import { useState } from "react";
import { useMarket } from "../../data/hooks.ts";
import type { SessionDraft, SessionFaults } from "../../model/session-offer.ts";
import { formatSlots } from "../../model/time.ts";
import { keypairFile } from "../../transact/keypair-file.ts";
import { Button, Note, Panel } from "../../ui/basics.tsx";
import { SelectField, TextField } from "../../ui/field.tsx";
import { mintName, useUnit } from "../../ui/unit.tsx";

/** The fields, each with what it means. */
export function SessionTerms({
  draft,
  faults,
  mint,
  mints,
  onMint,
  onChange,
}: {
  draft: SessionDraft;
  faults: SessionFaults;
  mint: PaymentMint;
  mints: readonly PaymentMint[];
  onMint: (mint: string) => void;
  onChange: (change: Partial<SessionDraft>) => void;
}) {
  const { pace } = useMarket();
  const unit = useUnit(mint.mint);
  const [made, setMade] = useState<string>();
  const slots = (field: keyof SessionDraft) =>
    /^\d{1,18}$/.test(draft[field]) ? `About ${formatSlots(BigInt(draft[field]), pace.slotMs)}. ` : "";
  const field = (key: keyof SessionDraft) => ({
    value: draft[key],
    onChange: (value: string) => onChange({ [key]: value }),
    error: draft[key] === "" ? undefined : faults[key],
  });
  const makeKey = async () => {
    const { address, json } = await keypairFile();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([json], { type: "application/json" }));
    link.download = `voucher-${address.slice(0, 8)}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
    setMade(link.download);
    onChange({ voucherKey: address });
  };
  return (
    <Panel title="Terms">
      <div className="stack">
        {mints.length > 1 && (
          <SelectField
            label="Token"
            value={mint.mint as string}
            options={mints.map((one) => [one.mint as string, mintName(one.mint)] as const)}
            onChange={onMint}
          />
        )}
        <div className="form-grid">
          <TextField label="A request costs" {...field("price")} unit={unit.symbol} inputMode="decimal" />
          <TextField
            label="Balance"
            {...field("balance")}
            unit={unit.symbol}
            inputMode="decimal"
            hint="All of it goes into escrow; what no voucher spends returns."
          />
          <TextField
            label="To accept"
            {...field("acceptSlots")}
            unit="slots"
            inputMode="numeric"
            hint={`${slots("acceptSlots")}The node loads the model in it.`}
          />
          <TextField
            label="To serve"
            {...field("sessionSlots")}
            unit="slots"
            inputMode="numeric"
            hint={`${slots("sessionSlots")}Either side may end it before.`}
          />
          <TextField
            label="Window after the end"
            {...field("windowSlots")}
            unit="slots"
            inputMode="numeric"
            hint={`${slots("windowSlots")}Vouchers and receipts count in it.`}
          />
        </div>
        <TextField
          label="Key that signs vouchers"
          {...field("voucherKey")}
          mono
          placeholder="your own"
          hint="It can spend the balance on this session, and nothing else. assay session ask needs its keypair file: -k for your own, --voucher-key for another one."
        />
        <div className="row">
          <Button size="small" onClick={() => void makeKey()}>
            Make a key and save its file
          </Button>
        </div>
        {made !== undefined && (
          <Note tone="good" title={`The key is in ${made}, which your browser saved.`}>
            This page does not keep it: without the file nobody can ask in this session.
          </Note>
        )}
      </div>
    </Panel>
  );
}
