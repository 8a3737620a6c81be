/** The app's frame: navigation, the state of the connection, and the page. */
import {
  ChartNoAxesCombined,
  DatabaseZap,
  Gavel,
  Landmark,
  Layers,
  type LucideIcon,
  MessagesSquare,
  Moon,
  Plus,
  Search,
  Server,
  Settings2,
  ShieldCheck,
  Sun,
  Wallet,
  WifiOff,
} from "lucide-react";
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { useConnection, useMarket, useNetwork, useSlot, useTable } from "./data/hooks.ts";
import { useIndex, useIndexStanding } from "./data/index-hooks.ts";
import { formatCount } from "./model/amounts.ts";
import { parseAddress } from "./model/keys.ts";
import { AccountButton } from "./ui/account.tsx";
import { Button, Note, SkeletonLines } from "./ui/basics.tsx";
import { EndpointDialog } from "./ui/endpoint.tsx";
import { Fence } from "./ui/fence.tsx";
import { standingSentence } from "./ui/index-standing.ts";
import { currentTheme, setTheme, type Theme } from "./ui/theme.ts";

const Overview = lazy(() => import("./pages/overview.tsx"));
const Jobs = lazy(() => import("./pages/jobs.tsx"));
const JobPage = lazy(() => import("./pages/job.tsx"));
const Nodes = lazy(() => import("./pages/nodes.tsx"));
const NodePage = lazy(() => import("./pages/node.tsx"));
const Disputes = lazy(() => import("./pages/disputes.tsx"));
const DisputePage = lazy(() => import("./pages/dispute.tsx"));
const Sessions = lazy(() => import("./pages/sessions.tsx"));
const SessionPage = lazy(() => import("./pages/session.tsx"));
const OpenSession = lazy(() => import("./pages/open-session.tsx"));
const Post = lazy(() => import("./pages/post.tsx"));
const Stake = lazy(() => import("./pages/stake.tsx"));
const Budgets = lazy(() => import("./pages/budgets.tsx"));
const Governance = lazy(() => import("./pages/governance.tsx"));
const Stories = lazy(() => import("./stories/stories.tsx"));
const More = lazy(() => import("./pages/more.tsx"));
const Missing = lazy(() => import("./pages/missing.tsx"));

interface Place {
  readonly to: string;
  readonly name: string;
  readonly icon: LucideIcon;
}

const MARKET: readonly Place[] = [
  { to: "/", name: "Overview", icon: ChartNoAxesCombined },
  { to: "/jobs", name: "Jobs", icon: Layers },
  { to: "/nodes", name: "Nodes", icon: Server },
  { to: "/disputes", name: "Disputes", icon: Gavel },
  { to: "/sessions", name: "Sessions", icon: MessagesSquare },
];

/** What is done rather than read. */
export const ACTIONS: readonly Place[] = [
  { to: "/post", name: "Post a job", icon: Plus },
  { to: "/stake", name: "Stake", icon: ShieldCheck },
  { to: "/budgets", name: "Budgets", icon: Wallet },
  { to: "/governance", name: "Governance", icon: Landmark },
];

/** Everything but the data: the market and the account that signs come from above. */
export function App() {
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: every new page begins at its top
  useEffect(() => {
    // In some browsers this returns a promise, which is no clean-up.
    window.scrollTo(0, 0);
  }, [location]);
  return (
    <div className="frame">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <Sidebar />
      <div className="column">
        <TopBar />
        <ConnectionStrip />
        <main id="main" className="main" tabIndex={-1} ref={main}>
          <Fence key={location}>
            <NoMarket>
              <Suspense fallback={<SkeletonLines label="Loading the page" lines={6} />}>
                <Pages />
              </Suspense>
            </NoMarket>
          </Fence>
        </main>
      </div>
      <BottomBar />
    </div>
  );
}

function Pages() {
  return (
    <Switch>
      <Route path="/" component={Overview} />
      <Route path="/jobs" component={Jobs} />
      <Route path="/jobs/:address">{({ address }) => <JobPage address={address} />}</Route>
      <Route path="/nodes" component={Nodes} />
      <Route path="/nodes/:address">{({ address }) => <NodePage address={address} />}</Route>
      <Route path="/disputes" component={Disputes} />
      <Route path="/disputes/:address">{({ address }) => <DisputePage address={address} />}</Route>
      <Route path="/sessions" component={Sessions} />
      <Route path="/sessions/new" component={OpenSession} />
      <Route path="/sessions/:address">{({ address }) => <SessionPage address={address} />}</Route>
      <Route path="/post" component={Post} />
      <Route path="/stake" component={Stake} />
      <Route path="/budgets" component={Budgets} />
      <Route path="/governance" component={Governance} />
      <Route path="/stories" component={Stories} />
      <Route path="/more" component={More} />
      <Route component={Missing} />
    </Switch>
  );
}

function isHere(to: string, location: string): boolean {
  return to === "/" ? location === "/" : location === to || location.startsWith(`${to}/`);
}

function NavLink({ place, count }: { place: Place; count?: number | undefined }) {
  const [location] = useLocation();
  const Icon = place.icon;
  return (
    <Link href={place.to} className="nav-link" aria-current={isHere(place.to, location) ? "page" : undefined}>
      <Icon aria-hidden />
      {place.name}
      {count !== undefined && <span className="count">{formatCount(count)}</span>}
    </Link>
  );
}

function Sidebar() {
  const counts: Readonly<Record<string, number | undefined>> = {
    "/jobs": useCount("job"),
    "/nodes": useCount("node"),
    "/sessions": useCount("session"),
  };
  return (
    <nav className="sidebar" aria-label="Main">
      <Link href="/" className="brand">
        <img src="/icon.svg" alt="" width={26} height={26} />
        Assay
      </Link>
      {MARKET.map((place) => (
        <NavLink key={place.to} place={place} count={counts[place.to]} />
      ))}
      <div className="nav-title">Take part</div>
      {ACTIONS.map((place) => (
        <NavLink key={place.to} place={place} />
      ))}
    </nav>
  );
}

function useCount(kind: "job" | "node" | "session"): number | undefined {
  const table = useTable(kind);
  return table.state === "ready" ? table.rows.length : undefined;
}

function BottomBar() {
  const [location] = useLocation();
  const places: readonly Place[] = [...MARKET.slice(0, 4), { to: "/more", name: "More", icon: Settings2 }];
  return (
    <nav className="bottombar" aria-label="Main, at the bottom">
      {places.map(({ to, name, icon: Icon }) => (
        <Link key={to} href={to} aria-current={isHere(to, location) ? "page" : undefined}>
          <Icon aria-hidden />
          {name}
        </Link>
      ))}
    </nav>
  );
}

function TopBar() {
  return (
    <div className="topbar">
      <Link href="/" className="phone-only" aria-label="Overview">
        <img src="/icon.svg" alt="" width={26} height={26} style={{ display: "block" }} />
      </Link>
      <SearchBox />
      <div className="spacer" />
      <ConnectionState />
      <ThemeButton />
      <AccountButton />
    </div>
  );
}

function SearchBox() {
  const market = useMarket();
  const index = useIndex();
  const [, go] = useLocation();
  const [fault, setFault] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (event.key !== "/" || typing || event.metaKey || event.ctrlKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
  const find = (text: string) => {
    const parsed = parseAddress(text);
    if ("error" in parsed) return setFault(true);
    const places = [
      ["job", "jobs"],
      ["node", "nodes"],
      ["session", "sessions"],
    ] as const;
    const place = places.find(([kind]) => market.table(kind).byAddress.has(parsed.value));
    const wasJob = index?.rows.jobsByAddress.has(parsed.value) ?? false;
    if (place !== undefined) go(`/${place[1]}/${parsed.value}`);
    else go(wasJob ? `/jobs/${parsed.value}` : `/jobs?text=${parsed.value}`);
    if (input.current !== null) input.current.value = "";
  };
  return (
    <search className="search">
      <Search aria-hidden />
      <input
        ref={input}
        type="search"
        placeholder="Go to an address (press /)"
        aria-label="Go to the address of a job, node, session or key"
        aria-invalid={fault}
        onChange={() => setFault(false)}
        onKeyDown={(event) => event.key === "Enter" && find(event.currentTarget.value)}
      />
      {fault && (
        <span className="small" role="alert" style={{ color: "var(--bad)", whiteSpace: "nowrap" }}>
          Not an address
        </span>
      )}
    </search>
  );
}

function ConnectionState() {
  const connection = useConnection();
  const slot = useSlot();
  const [open, setOpen] = useState(false);
  const [look, text] = {
    connecting: ["trying", "Connecting"] as const,
    live: ["live", "Live"] as const,
    polling: ["trying", "Polling"] as const,
    offline: ["offline", "Offline"] as const,
  }[connection.state];
  return (
    <>
      <button
        type="button"
        className={`connection ${look} button quiet small`}
        onClick={() => setOpen(true)}
        title="Change the endpoint or the index"
      >
        <span className="light" />
        {text}
        {slot > 0n && <span className="faint">{formatCount(slot)}</span>}
      </button>
      {open && <EndpointDialog onClose={() => setOpen(false)} />}
    </>
  );
}

function ConnectionStrip() {
  const connection = useConnection();
  const market = useMarket();
  const slot = useSlot();
  const indexed = useIndexStanding()?.state === "live";
  const paused = useNetwork()?.data.pausedUntilSlot ?? 0n;
  return (
    <>
      {connection.state === "offline" && (
        <div className="strip bad" role="alert">
          <WifiOff aria-hidden />
          <span>
            The endpoint is away. What you see is as of slot {formatCount(slot)}
            {indexed ? ", lists of jobs and nodes as the index tells them now" : ""}; nothing can be sent.
          </span>
          <Button size="small" onClick={() => market.retry()}>
            Try now
          </Button>
        </div>
      )}
      <IndexStrip />
      {paused > slot && slot > 0n && (
        <div className="strip" role="status">
          The guardian has paused new jobs and claims until slot {formatCount(paused)}. Everything that exists goes on.
        </div>
      )}
    </>
  );
}

/** Says so while the index is of less use than it should be. */
function IndexStrip() {
  const index = useIndex();
  const standing = useIndexStanding();
  if (index === undefined || standing === undefined) return null;
  if (standing.state === "live" || standing.state === "connecting") return null;
  return (
    <div className="strip" role="status">
      <DatabaseZap aria-hidden />
      <span>{standingSentence(index.client.url, standing)}</span>
      {standing.state === "away" && (
        <Button size="small" onClick={() => index.retry()}>
          Ask again
        </Button>
      )}
    </div>
  );
}

/** Says so where the endpoint has no market. */
function NoMarket({ children }: { children: ReactNode }) {
  const network = useTable("network");
  const [location] = useLocation();
  if (network.state !== "ready" || network.rows.length > 0 || location === "/stories") return children;
  return (
    <Note tone="warn" title="There is no Assay market on this endpoint.">
      The program's network account does not exist there. Choose another endpoint at the top right, or start one with{" "}
      <code>assay localnet</code>.
    </Note>
  );
}

function ThemeButton() {
  const [theme, choose] = useState<Theme>(currentTheme);
  const next = theme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={`Switch to the ${next} theme`}
      title={`Switch to the ${next} theme`}
      onClick={() => {
        setTheme(next);
        choose(next);
      }}
    >
      {theme === "dark" ? <Sun aria-hidden /> : <Moon aria-hidden />}
    </button>
  );
}
