/** The page of an address at which there is nothing of its kind. */
import { isAddress } from "@solana/kit";
import { FileSearch } from "lucide-react";
import type { ReactNode } from "react";
import { AddressText } from "./address.tsx";
import { ButtonLink, Nothing } from "./basics.tsx";
import { IndexedHistory } from "./history.tsx";
import { PageHead } from "./page.tsx";

/** Says so, and what an index remembers of the address, if `remembered`. */
export function Missing({
  address,
  kind,
  list,
  remembered = true,
  children,
}: {
  address: string;
  kind: "Job" | "Node" | "Session";
  list: { to: string; name: string };
  remembered?: boolean;
  children: ReactNode;
}) {
  return (
    <>
      <PageHead title={kind} back={list} lead={<AddressText value={address} whole />} />
      <Nothing
        icon={FileSearch}
        title={`There is no ${kind.toLowerCase()} at this address`}
        actions={<ButtonLink to={list.to}>All {list.name.toLowerCase()}</ButtonLink>}
      >
        {children}
      </Nothing>
      {remembered && isAddress(address) && <IndexedHistory address={address} />}
    </>
  );
}
