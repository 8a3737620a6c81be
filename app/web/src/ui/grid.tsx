/** A table of any length: only the rows in view exist. On a phone a row is its first column with two others beside it. */
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef, useState } from "react";

/** One column. */
export interface Column<T> {
  readonly key: string;
  readonly name: ReactNode;
  /** A track of a CSS grid. */
  readonly width: string;
  readonly end?: boolean;
  /** Where it stands on a phone, beside the first column; without it, it is not shown there. */
  readonly phone?: "top" | "bottom";
  readonly cell: (row: T) => ReactNode;
}

/** Rows under columns. Each row should hold one link with the class `row-link`, which covers all of it. */
export function Grid<T>({
  rows,
  columns,
  rowKey,
  label,
  rowHeight = 56,
}: {
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  label: string;
  rowHeight?: number;
}) {
  const body = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const height = usePhone() ? Math.max(rowHeight, 66) : rowHeight;
  useLayoutEffect(() => {
    const measured = body.current;
    if (measured !== null) setTop(measured.getBoundingClientRect().top + window.scrollY);
  }, []);
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => height,
    overscan: 8,
    scrollMargin: top,
  });
  useLayoutEffect(() => {
    if (height > 0) virtualizer.measure();
  }, [height, virtualizer]);
  const template = { gridTemplateColumns: columns.map(({ width }) => width).join(" ") };

  return (
    <div className="grid-table" role="table" aria-label={label} aria-rowcount={rows.length + 1}>
      <div role="rowgroup">
        <div className="grid-head" role="row" aria-rowindex={1} style={template} tabIndex={-1}>
          {columns.map((column) => (
            <div key={column.key} role="columnheader" tabIndex={-1} className={column.end === true ? "end" : ""}>
              {column.name}
            </div>
          ))}
        </div>
      </div>
      <div
        ref={body}
        role="rowgroup"
        onKeyDown={moveFocus}
        style={{ position: "relative", height: virtualizer.getTotalSize() }}
      >
        {virtualizer.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (row === undefined) return null;
          return (
            <div
              key={rowKey(row)}
              role="row"
              tabIndex={-1}
              aria-rowindex={item.index + 2}
              className="grid-row"
              style={{ ...template, height, transform: `translateY(${item.start - top}px)` }}
            >
              {columns.map((column) => (
                <div
                  key={column.key}
                  role="cell"
                  className={`${column.end === true ? "end" : ""} ${column.phone ?? "wide-only"}`}
                >
                  {column.cell(row)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Arrow keys go from row to row. */
function moveFocus(event: KeyboardEvent<HTMLDivElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined || !(event.target instanceof HTMLElement)) return;
  const row = event.target.closest('[role="row"]');
  const index = Number(row?.getAttribute("aria-rowindex"));
  const next = event.currentTarget.querySelector<HTMLElement>(`[aria-rowindex="${index + step}"] .row-link`);
  if (next === null) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.closest('[role="row"]')?.scrollIntoView({ block: "nearest" });
}

function usePhone(): boolean {
  const [phone, setPhone] = useState(() => matchMedia("(max-width: 760px)").matches);
  useLayoutEffect(() => {
    const query = matchMedia("(max-width: 760px)");
    const listen = () => setPhone(query.matches);
    query.addEventListener("change", listen);
    return () => query.removeEventListener("change", listen);
  }, []);
  return phone;
}
