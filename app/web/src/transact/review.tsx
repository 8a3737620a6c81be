/** The review of a transaction: what it does, whether it works, and then the signature. */
import { type Address, type Instruction, isWritableRole } from "@solana/kit";
import {
  ArrowDownLeft,
  ArrowUpRight,
  CircleCheck,
  Clock,
  Info,
  LoaderCircle,
  type LucideIcon,
  ShieldAlert,
} from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { useMarket } from "../data/hooks.ts";
import { formatAmount, formatCount } from "../model/amounts.ts";
import { AddressText, CopyButton } from "../ui/address.tsx";
import { Button, Note } from "../ui/basics.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { useSigning } from "./context.tsx";
import { describeFailure } from "./failure.ts";
import type { Effect, Plan } from "./plan.ts";
import { type Progress, type Simulation, send, simulate } from "./send.ts";
import { Rejected } from "./signer.ts";

const ICONS: Readonly<Record<Effect["kind"], LucideIcon>> = {
  out: ArrowUpRight,
  in: ArrowDownLeft,
  lock: ShieldAlert,
  wait: Clock,
  note: Info,
};

type Stage =
  | { readonly name: "simulating" }
  | { readonly name: "simulated"; readonly simulation: Simulation; readonly instructions: readonly Instruction[] }
  | { readonly name: "failed"; readonly sentence: string; readonly tone: "bad" | "warn" }
  | Progress
  | { readonly name: "done"; readonly signature: string };

/** Shows a plan until it is signed and confirmed, or given up. */
export function Review({
  plan,
  onClose,
  onDone,
}: {
  plan: Plan;
  onClose: () => void;
  onDone?: (signature: string) => void;
}) {
  const { rpc, signer } = useSigning();
  const market = useMarket();
  const [stage, setStage] = useState<Stage>({ name: "simulating" });

  // One transaction at a time, and none is asked about after the dialog is gone.
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const prepare = useCallback(async () => {
    if (signer === undefined || running.current !== undefined) return;
    setStage({ name: "simulating" });
    try {
      const instructions = await plan.build(signer.address);
      const simulation = await simulate(rpc, signer.address, instructions);
      if (running.current === undefined) setStage({ name: "simulated", simulation, instructions });
    } catch (error) {
      if (running.current === undefined) {
        setStage({ name: "failed", sentence: describeFailure(error, []), tone: "bad" });
      }
    }
  }, [plan, rpc, signer]);
  useEffect(() => {
    void prepare();
  }, [prepare]);

  const sign = async (simulation: Simulation, instructions: readonly Instruction[]) => {
    if (signer === undefined || !simulation.works || running.current !== undefined) return;
    const controller = new AbortController();
    running.current = controller;
    try {
      const signature = await send(rpc, signer, instructions, simulation.units, setStage, controller.signal);
      await market.refresh(writtenBy(instructions));
      setStage({ name: "done", signature });
      onDone?.(signature);
    } catch (error) {
      if (controller.signal.aborted) return;
      running.current = undefined;
      setStage(
        error instanceof Rejected
          ? { name: "failed", sentence: "You did not sign. Nothing was sent and nothing has changed.", tone: "warn" }
          : { name: "failed", sentence: describeFailure(error, []), tone: "bad" },
      );
    }
  };

  return (
    <Dialog
      title={stage.name === "done" ? plan.done : plan.title}
      onClose={onClose}
      stay={isBusy(stage)}
      foot={
        <Foot
          stage={stage}
          action={plan.action}
          onClose={onClose}
          onAgain={() => void prepare()}
          onSign={(simulation, instructions) => void sign(simulation, instructions)}
        />
      }
    >
      {stage.name !== "done" && <Effects effects={plan.effects} />}
      <StageNote stage={stage} signerName={signer?.name ?? ""} />
      {signer !== undefined && stage.name !== "done" && (
        <p className="small muted">
          Signed by <AddressText value={signer.address} /> with {signer.name}.
        </p>
      )}
    </Dialog>
  );
}

/** Whether the dialog must stay: not where the endpoint is silent, for that may take as long as it likes. */
function isBusy(stage: Stage): boolean {
  return stage.name === "signing" || (stage.name === "sending" && stage.isAnswered);
}

/** What can be done now. A second attempt is offered only where it is certain that the first one did nothing. */
export function Foot({
  stage,
  action,
  onClose,
  onAgain,
  onSign,
}: {
  stage: Stage;
  action: string;
  onClose: () => void;
  onAgain: () => void;
  onSign: (simulation: Simulation, instructions: readonly Instruction[]) => void;
}) {
  if (stage.name === "done" || (stage.name === "sending" && !stage.isAnswered)) {
    return (
      <Button look="primary" onClick={onClose}>
        Close
      </Button>
    );
  }
  const ready = stage.name === "simulated" && stage.simulation.works ? stage : undefined;
  return (
    <>
      <Button look="quiet" onClick={onClose} disabled={isBusy(stage)}>
        Not now
      </Button>
      {stage.name === "failed" || (stage.name === "simulated" && !stage.simulation.works) ? (
        <Button onClick={onAgain}>Try again</Button>
      ) : (
        <Button
          look="primary"
          disabled={ready === undefined}
          onClick={() => ready !== undefined && onSign(ready.simulation, ready.instructions)}
        >
          {action}
        </Button>
      )}
    </>
  );
}

/** The accounts that instructions may write. */
function writtenBy(instructions: readonly Instruction[]): readonly Address[] {
  const written = instructions.flatMap(({ accounts = [] }) =>
    accounts.filter(({ role }) => isWritableRole(role)).map(({ address }) => address),
  );
  return [...new Set(written)];
}

/** What a transaction does, as a list. */
export function Effects({ effects }: { effects: readonly Effect[] }) {
  return (
    <ul className="effects">
      {effects.map(({ kind, text }) => {
        const Icon = ICONS[kind];
        return (
          <li key={text}>
            <Icon aria-hidden />
            <span>{text}</span>
          </li>
        );
      })}
    </ul>
  );
}

function StageNote({ stage, signerName }: { stage: Stage; signerName: string }) {
  switch (stage.name) {
    case "simulating":
      return <Working text="Trying it out on the endpoint, without sending anything" />;
    case "signing":
      return <Working text={`Waiting for ${signerName} to sign`} />;
    case "sending":
      return <Sending signature={stage.signature} isAnswered={stage.isAnswered} />;
    case "failed":
      return <Note tone={stage.tone} title={stage.sentence} />;
    case "done":
      return (
        <div className="row" role="status">
          <CircleCheck aria-hidden size={18} color="var(--good)" />
          Confirmed.
          <SignatureText signature={stage.signature} />
        </div>
      );
    case "simulated":
      return <SimulationNote simulation={stage.simulation} />;
  }
}

/** What is said from the moment on at which the transaction is out of hand. */
export function Sending({ signature, isAnswered }: { signature: string; isAnswered: boolean }) {
  return (
    <>
      {isAnswered ? (
        <Working text="Sent; waiting until the network confirms it" />
      ) : (
        <Note tone="warn" title="It is not known yet whether this was carried out.">
          It was sent, and the endpoint does not say what became of it. It is asked until it does. Do not sign the same
          once more before you have looked for this signature.
        </Note>
      )}
      <div className="row small muted">
        Signature <SignatureText signature={signature} />
      </div>
    </>
  );
}

function SignatureText({ signature }: { signature: string }) {
  return (
    <span className="address">
      {signature.slice(0, 12)}…
      <CopyButton text={signature} what="signature" />
    </span>
  );
}

function SimulationNote({ simulation }: { simulation: Simulation }) {
  if (simulation.works) {
    return (
      <Note tone="good" title="It works: the endpoint ran it without a fault.">
        The fee is {formatAmount(simulation.feeLamports, 9)} SOL; it uses {formatCount(simulation.units)} compute units.
      </Note>
    );
  }
  return (
    <>
      <Note tone="bad" title={simulation.sentence}>
        Nothing was sent.
      </Note>
      {simulation.logs.length > 0 && (
        <details>
          <summary className="small muted">What the programs logged</summary>
          <pre className="block">{simulation.logs.join("\n")}</pre>
        </details>
      )}
    </>
  );
}

function Working({ text }: { text: string }) {
  return (
    <div className="row muted" role="status">
      <LoaderCircle aria-hidden size={17} className="spin" />
      {text}
    </div>
  );
}
