/** The third step: deadlines, audits, and who may claim. Everything has a good value already. */
import type { PaymentMint } from "@assay/client";
import type { ReactNode } from "react";
import { useMarket } from "../../data/hooks.ts";
import type { Draft, Faults, Field } from "../../model/offer.ts";
import { formatSlots } from "../../model/time.ts";
import { Panel } from "../../ui/basics.tsx";
import { TextField } from "../../ui/field.tsx";
import { useUnit } from "../../ui/unit.tsx";
import { WhoMayClaim } from "./who-may-claim.tsx";

/** Windows and wishes. */
export function TermsStep({
  draft,
  faults,
  mint,
  onChange,
  candidates,
  next,
}: {
  draft: Draft;
  faults: Faults;
  mint: PaymentMint;
  onChange: (change: Partial<Draft>) => void;
  /** Who could claim, once the offer can be read. */
  candidates: ReactNode;
  next: ReactNode;
}) {
  const { pace } = useMarket();
  const payment = useUnit(mint.mint);
  const slots = (field: Field) =>
    /^\d{1,18}$/.test(draft[field]) ? `About ${formatSlots(BigInt(draft[field]), pace.slotMs)}.` : "";
  const field = (key: Field) => ({
    value: draft[key],
    onChange: (value: string) => onChange({ [key]: value }),
    error: faults[key],
  });
  return (
    <div className="stack">
      <Panel title="Deadlines">
        <div className="form-grid">
          <TextField
            label="To claim"
            {...field("claimSlots")}
            unit="slots"
            inputMode="numeric"
            hint={`${slots("claimSlots")} After it the job expires.`}
          />
          <TextField
            label="To compute"
            {...field("runSlots")}
            unit="slots"
            inputMode="numeric"
            hint={`${slots("runSlots")} After it the node pays you a charge.`}
          />
          <TextField
            label="To challenge"
            {...field("windowSlots")}
            unit="slots"
            inputMode="numeric"
            hint={`${slots("windowSlots")} A wrong result can be proved wrong for so long.`}
          />
        </div>
      </Panel>
      <Panel title="Audit">
        <div className="stack">
          <p className="muted">
            A pot for validators that are drawn at random and attest the result with a bond. Without one, whoever wants
            to may still look and challenge.
          </p>
          <div className="form-grid">
            <TextField
              label="Pot"
              {...field("auditPot")}
              unit={payment.symbol}
              inputMode="decimal"
              placeholder="none"
              hint="What is not earned returns to you."
            />
            <TextField
              label="Most for one validator"
              {...field("auditCap")}
              unit={payment.symbol}
              inputMode="decimal"
              placeholder="none"
            />
          </div>
        </div>
      </Panel>
      <WhoMayClaim draft={draft} faults={faults} onChange={onChange} />
      <Panel title="Where the result goes">
        <TextField
          label="Store for the result"
          {...field("storeUri")}
          inputMode="url"
          mono
          placeholder="the node serves it"
          hint="The node uploads the result there before it commits."
        />
      </Panel>
      {candidates}
      <div className="row" style={{ justifyContent: "flex-end" }}>
        {next}
      </div>
    </div>
  );
}
