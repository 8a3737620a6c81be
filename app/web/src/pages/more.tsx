/** On a phone: the pages that the bar at the bottom has no room for. */
import { MessagesSquare } from "lucide-react";
import { Link } from "wouter";
import { ACTIONS } from "../app.tsx";
import { Panel } from "../ui/basics.tsx";
import { PageHead } from "../ui/page.tsx";

export default function More() {
  const places = [{ to: "/sessions", name: "Sessions", icon: MessagesSquare }, ...ACTIONS];
  return (
    <>
      <PageHead title="More" />
      <Panel>
        {places.map(({ to, name, icon: Icon }) => (
          <Link key={to} href={to} className="nav-link" style={{ height: 48 }}>
            <Icon aria-hidden />
            {name}
          </Link>
        ))}
      </Panel>
    </>
  );
}
