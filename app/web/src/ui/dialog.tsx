/** A dialog over the page; Escape and the backdrop close it unless it must stay open. */
import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";

/** Open as long as it is drawn. */
export function Dialog({
  title,
  onClose,
  children,
  foot,
  stay = false,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  foot?: ReactNode;
  stay?: boolean;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    if (shown === null) return;
    if (!shown.open) shown.showModal();
    return () => shown.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!stay) onClose();
      }}
      onMouseDown={(event) => {
        if (event.target === dialog.current && !stay) onClose();
      }}
    >
      <div className="dialog-head">
        <h2 id={id}>{title}</h2>
        {!stay && (
          <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>
            <X aria-hidden />
          </button>
        )}
      </div>
      <div className="dialog-body">{children}</div>
      {foot !== undefined && <div className="dialog-foot">{foot}</div>}
    </dialog>
  );
}
