/** Keeps an error of one page from taking down the rest. */
import { Component, type ReactNode } from "react";
import { Button, Note } from "./basics.tsx";

/** Shows its children, or what went wrong with them. */
export class Fence extends Component<{ children: ReactNode }, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error("The page failed.") };
  }

  override render() {
    if (this.state.error === undefined) return this.props.children;
    return (
      <div className="stack">
        <Note tone="bad" title="This page failed. The rest of the app goes on.">
          {this.state.error.message}
        </Note>
        <div>
          <Button onClick={() => this.setState({ error: undefined })}>Show it again</Button>
        </div>
      </div>
    );
  }
}
