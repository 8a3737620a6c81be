/** The head of a page, and what a page shows while its accounts are missing. */
import { ArrowLeft, CloudOff } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { Link } from "wouter";
import { useMarket } from "../data/hooks.ts";
import type { LoadState } from "../data/store.ts";
import { Button, Nothing, SkeletonLines } from "./basics.tsx";

/** Title, a sentence, and what can be done. */
export function PageHead({
  title,
  lead,
  actions,
  back,
  badge,
}: {
  title: string;
  lead?: ReactNode;
  actions?: ReactNode;
  back?: { readonly to: string; readonly name: string };
  badge?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} \u00b7 Assay`;
  }, [title]);
  return (
    <header className="page-head">
      <div>
        {back !== undefined && (
          <Link href={back.to} className="crumb">
            <ArrowLeft aria-hidden />
            {back.name}
          </Link>
        )}
        <div className="row">
          <h1>{title}</h1>
          {badge}
        </div>
        {lead !== undefined && <div className="lead">{lead}</div>}
      </div>
      {actions !== undefined && <div className="actions">{actions}</div>}
    </header>
  );
}

/** Shows `children` once accounts are there; before that, that they are loaded, or why they are not. */
export function Loaded({
  table,
  what,
  children,
}: {
  table: { readonly state: LoadState; readonly error: string | undefined };
  what: string;
  children: ReactNode;
}) {
  const market = useMarket();
  if (table.state === "ready") return children;
  if (table.state === "loading") return <SkeletonLines label={`Loading ${what}`} lines={7} />;
  return (
    <Nothing
      icon={CloudOff}
      title={`The ${what} could not be loaded`}
      actions={<Button onClick={() => market.retry()}>Try again</Button>}
    >
      {table.error} The app goes on trying by itself.
    </Nothing>
  );
}
