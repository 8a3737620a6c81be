/** The small parts that every page is made of. */
import { CircleAlert, Info, type LucideIcon, TriangleAlert } from "lucide-react";
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { useId } from "react";
import { Link } from "wouter";
import type { Tone } from "../model/job-state.ts";

/** A framed part of a page. */
export function Panel({
  title,
  side,
  children,
  flush = false,
  foot,
}: {
  title?: ReactNode;
  side?: ReactNode;
  children: ReactNode;
  flush?: boolean;
  foot?: ReactNode;
}) {
  const id = useId();
  return (
    <section className="panel" aria-labelledby={title === undefined ? undefined : id}>
      {title !== undefined && (
        <header className="panel-head">
          <h2 id={id}>{title}</h2>
          {side}
        </header>
      )}
      <div className={`panel-body ${flush ? "flush" : ""}`}>{children}</div>
      {foot !== undefined && <footer className="panel-foot">{foot}</footer>}
    </section>
  );
}

/** A state in a colour; the word says it, the colour helps. */
export function Badge({
  tone = "idle",
  plain = false,
  children,
}: {
  tone?: Tone;
  plain?: boolean;
  children: ReactNode;
}) {
  return <span className={`badge ${tone} ${plain ? "plain" : ""}`}>{children}</span>;
}

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: "primary" | "danger" | "quiet";
  size?: "small";
  icon?: LucideIcon;
};

/** A button. */
export function Button({ look, size, icon: Icon, children, className = "", ...rest }: ButtonProps) {
  return (
    <button type="button" className={`button ${look ?? ""} ${size ?? ""} ${className}`} {...rest}>
      {Icon !== undefined && <Icon aria-hidden />}
      {children}
    </button>
  );
}

/** A link that looks like a button. */
export function ButtonLink({
  to,
  look,
  size,
  icon: Icon,
  children,
}: {
  to: string;
  look?: "primary" | "quiet";
  size?: "small";
  icon?: LucideIcon;
  children: ReactNode;
}) {
  return (
    <Link href={to} className={`button ${look ?? ""} ${size ?? ""}`}>
      {Icon !== undefined && <Icon aria-hidden />}
      {children}
    </Link>
  );
}

/** Names and values. */
export function Facts({ children, numbers = false }: { children: ReactNode; numbers?: boolean }) {
  return <dl className={`facts ${numbers ? "numbers" : ""}`}>{children}</dl>;
}

/** One name and its value. */
export function Fact({ name, children }: { name: ReactNode; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** One large figure. */
export function Figure({
  name,
  value,
  unit,
  note,
}: {
  name: ReactNode;
  value: ReactNode;
  unit?: ReactNode;
  note?: ReactNode;
}) {
  return (
    <div className="figure">
      <div className="name">{name}</div>
      <div className="value">
        {value}
        {unit !== undefined && <span className="unit">{unit}</span>}
      </div>
      {note !== undefined && <div className="sub">{note}</div>}
    </div>
  );
}

/** A remark within a page. */
export function Note({ tone = "idle", title, children }: { tone?: Tone; title?: ReactNode; children?: ReactNode }) {
  const Icon = tone === "bad" ? CircleAlert : tone === "warn" ? TriangleAlert : Info;
  return (
    <div className={`note ${tone}`} role={tone === "bad" ? "alert" : undefined}>
      <Icon aria-hidden />
      <div>
        {title !== undefined && <strong>{title}</strong>}
        {children !== undefined && <div>{children}</div>}
      </div>
    </div>
  );
}

/** What stands where nothing is. */
export function Nothing({
  icon: Icon,
  title,
  children,
  actions,
}: {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <div className="nothing">
      <Icon aria-hidden strokeWidth={1.5} />
      <p className="title">{title}</p>
      {children !== undefined && <p>{children}</p>}
      {actions !== undefined && <div className="row">{actions}</div>}
    </div>
  );
}

/** A place for something that is on its way. */
export function Skeleton({ width = "100%", height }: { width?: string; height?: string }) {
  return <span className="skeleton" style={{ width, height }} aria-hidden />;
}

/** Lines that are on their way. */
export function SkeletonLines({ lines = 5, label }: { lines?: number; label: string }) {
  return (
    <div className="stack" role="status" aria-label={label} style={{ padding: "var(--space-4)" }}>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike and never move
        <Skeleton key={line} width={`${92 - ((line * 17) % 40)}%`} />
      ))}
    </div>
  );
}

/** How much of a whole. */
export function Meter({ share, tone = "busy", label }: { share: number; tone?: Tone; label: string }) {
  const percent = Math.max(0, Math.min(100, share * 100));
  return (
    <div
      className="meter"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
    >
      <span className={tone} style={{ width: `${percent}%` }} />
    </div>
  );
}
