/** The button that shows who signs, and the choice of an account. */
import { Flame, LogOut, Wallet } from "lucide-react";
import { useState } from "react";
import { shortAddress } from "../model/keys.ts";
import { rememberBurner, secretOfKeypairFile } from "../transact/burner.ts";
import { useSigning } from "../transact/context.tsx";
import { AddressText } from "./address.tsx";
import { Button, Note } from "./basics.tsx";
import { Dialog } from "./dialog.tsx";

/** In the top bar. */
export function AccountButton() {
  const { signer, choose, choosing } = useSigning();
  return (
    <>
      {signer === undefined ? (
        <Button size="small" look="primary" icon={Wallet} onClick={() => choose(true)}>
          Connect
        </Button>
      ) : (
        <Button size="small" icon={signer.kind === "burner" ? Flame : Wallet} onClick={() => choose(true)}>
          <span className="mono">{shortAddress(signer.address, 4, 4)}</span>
        </Button>
      )}
      {choosing && <AccountDialog />}
    </>
  );
}

function AccountDialog() {
  const { signer, wallets, burnerAllowed, takeWallet, takeBurner, disconnect, choose } = useSigning();
  const [fault, setFault] = useState<string>();
  const attempt = (action: () => Promise<void>) => {
    setFault(undefined);
    action().catch((error: unknown) => setFault(error instanceof Error ? error.message : "It did not connect."));
  };
  return (
    <Dialog title={signer === undefined ? "Connect an account" : "Your account"} onClose={() => choose(false)}>
      {signer !== undefined && (
        <div className="row" style={{ justifyContent: "space-between" }}>
          <div>
            <div>{signer.name}</div>
            <AddressText value={signer.address} whole />
          </div>
          <Button icon={LogOut} size="small" onClick={disconnect}>
            Disconnect
          </Button>
        </div>
      )}
      {wallets.length > 0 && (
        <div className="stack" style={{ gap: 8 }}>
          {wallets.map((wallet) => (
            <Button key={wallet.name} onClick={() => attempt(() => takeWallet(wallet))} className="wide">
              <img src={wallet.icon} alt="" width={18} height={18} />
              {wallet.name}
            </Button>
          ))}
        </div>
      )}
      {wallets.length === 0 && signer === undefined && (
        <Note title="No wallet was found in this browser.">
          Install one that speaks the wallet standard, such as Phantom, Solflare or Backpack, and load this page again.
          Without one everything can be read, and nothing signed.
        </Note>
      )}
      {burnerAllowed && <BurnerChoice onUse={() => attempt(takeBurner)} onFault={setFault} />}
      {fault !== undefined && <Note tone="bad" title={fault} />}
    </Dialog>
  );
}

function BurnerChoice({ onUse, onFault }: { onUse: () => void; onFault: (fault: string) => void }) {
  const read = async (file: File) => {
    const secret = secretOfKeypairFile(await file.text());
    if ("error" in secret) return onFault(secret.error);
    rememberBurner(secret.value, localStorage);
    onUse();
  };
  return (
    <div className="stack" style={{ gap: 8 }}>
      <Button icon={Flame} onClick={onUse}>
        Use a burner key of this page
      </Button>
      <label className="button">
        Use a keypair file of the localnet
        <input
          type="file"
          accept=".json,application/json"
          className="visually-hidden"
          onChange={(event) => {
            const file = event.target.files?.[0];
            if (file !== undefined) void read(file);
          }}
        />
      </label>
      <p className="small muted">
        Only on a localnet of this machine: the key lies unprotected in the browser's storage. Never give it anything of
        value.
      </p>
    </div>
  );
}
