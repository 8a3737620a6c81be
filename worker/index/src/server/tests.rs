use super::*;
use crate::shape::{JobHistory, JobRow, Page, Record, Snapshot, Stats};
use anchor_lang::AccountSerialize;
use assay::state::Job;
use assay_chain::FollowerEvent;
use assay_chain::chain::RawAccount;
use assay_chain::follower::AccountKind;
use serde::de::DeserializeOwned;
use solana_sdk::pubkey::Pubkey;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Addresses that look like any others, so that they compress as badly.
fn address(number: u64) -> Pubkey {
    let mut bytes = [0; 32];
    for (place, word) in bytes.chunks_mut(8).enumerate() {
        // The mixing step of splitmix64.
        let mut mixed = number.wrapping_mul(4).wrapping_add(place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    Pubkey::new_from_array(bytes)
}

fn jobs(slot: u64, count: u64) -> FollowerEvent {
    let job = |number: u64| {
        let job = Job {
            version: Job::VERSION,
            client: address(1_000_000 + number % 100),
            payment_mint: address(77),
            node: address(2_000_000 + number % 200),
            operator: address(3_000_000 + number % 200),
            price: 1_000 + number,
            posted_slot: number,
            price_max: 1_000 + number,
            graph_uri: "http://host/graph".into(),
            ..Job::default()
        };
        let mut data = Vec::new();
        job.try_serialize(&mut data).unwrap();
        RawAccount { owner: assay::ID, lamports: 1, data, executable: false }
    };
    let accounts = (1..=count).map(|number| (address(number), job(number))).collect();
    FollowerEvent::All { kind: AccountKind::Job, slot, accounts }
}

/// An index without a chain.
struct Home {
    _folder: tempfile::TempDir,
    shared: Arc<Shared>,
    told: watch::Sender<u64>,
    at: SocketAddr,
    http: reqwest::Client,
    stop: CancellationToken,
}

impl Home {
    async fn with(count: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(&folder.path().join("index.redb"), "genesis").unwrap();
        history.apply(&jobs(count, count), 0).unwrap();
        let (told, last_id) = watch::channel(history.last_id().unwrap());
        let stop = CancellationToken::new();
        let shared = Shared::new(Arc::new(history), last_id, MOST_FOLLOWERS_OF_AN_ADDRESS, stop.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(serve(Arc::clone(&shared), listener, ServerOptions::default(), stop.clone()));
        Self { _folder: folder, shared, told, at, http: reqwest::Client::new(), stop }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("http://{}{path}", self.at)).send().await.unwrap()
    }

    async fn json<T: DeserializeOwned>(&self, path: &str) -> T {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    async fn refused(&self, path: &str) -> (u16, String) {
        let answer = self.get(path).await;
        let status = answer.status().as_u16();
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        let refusal: Refusal = answer.json().await.unwrap();
        assert!(refusal.error.starts_with(&refusal.code));
        (status, refusal.code)
    }

    /// When the snapshot was built that is in memory.
    async fn built(&self) -> Option<Instant> {
        self.shared.snapshot.lock().await.as_ref().map(|built| built.at)
    }

    /// Posts more jobs, up to `count`.
    fn grow(&self, count: u64) {
        let told = self.shared.history.apply(&jobs(count, count), 0).unwrap();
        self.told.send_replace(told.last().unwrap().id);
    }
}

#[tokio::test]
async fn lists_accounts_and_totals_are_served() {
    let home = Home::with(120).await;
    let first: Page<JobRow> = home.json("/v1/jobs").await;
    assert_eq!((first.rows.len(), first.rows[0].posted_slot), (50, 120));
    let second: Page<JobRow> = home.json(&format!("/v1/jobs?before={}", first.next.unwrap())).await;
    assert_eq!(second.rows[0].posted_slot, 70);
    let of_client: Page<JobRow> = home.json(&format!("/v1/jobs?client={}", address(1_000_007))).await;
    assert_eq!(of_client.rows.iter().map(|row| row.posted_slot).collect::<Vec<_>>(), [107, 7]);
    let job: JobHistory = home.json(&format!("/v1/jobs/{}", address(3))).await;
    assert_eq!((job.job.price_max.0, job.timeline.len(), job.more), (1_003, 1, false));
    let stats: Stats = home.json("/v1/stats?hours=1").await;
    assert_eq!(stats.jobs_by_state["posted"], 120);
}

#[tokio::test]
async fn what_is_refused_says_why() {
    let home = Home::with(1).await;
    let unknown = address(9);
    for (path, status, code) in [
        ("/v1/jobs?limit=201".to_owned(), 400, "H0202"),
        ("/v1/jobs?colour=red".to_owned(), 400, "H0201"),
        ("/v1/jobs/x".to_owned(), 400, "H0202"),
        (format!("/v1/jobs/{unknown}"), 404, "H0204"),
        (format!("/v1/nodes/{}", address(1)), 404, "H0204"),
        (format!("/v1/jobs?state={}", "x".repeat(600)), 414, "H0203"),
        ("/v2".to_owned(), 404, "H0205"),
        ("/v1/events?after=2".to_owned(), 409, "H0208"),
        ("/v1/events?after=x".to_owned(), 400, "H0202"),
    ] {
        assert_eq!(home.refused(&path).await, (status, code.to_owned()), "{path}");
    }
    let posted = home.http.post(format!("http://{}/v1/jobs", home.at)).send().await.unwrap();
    assert_eq!(posted.status(), 405);
    let health = home.get("/health").await;
    assert_eq!(health.status(), 503, "nothing was read from a chain");
    home.shared.heard.lock().unwrap().complete = true;
    let health: Health = home.json("/health").await;
    assert_eq!((health.status.as_str(), health.last_id), ("ok", 1));
}

#[tokio::test]
async fn requests_and_followers_are_bounded() {
    let home = Home::with(1).await;
    let places = home.shared.requests.try_acquire_many(MOST_REQUESTS as u32).unwrap();
    assert_eq!(home.refused("/v1/jobs").await, (503, "H0207".to_owned()));
    drop(places);
    let network = |number: usize| std::net::IpAddr::from([198, 18, (number / 8) as u8, 1]);
    let places: Vec<_> =
        (0..MOST_FOLLOWERS).map(|number| home.shared.followers.place(network(number)).unwrap()).collect();
    assert_eq!(home.refused("/v1/events").await, (503, "H0207".to_owned()));
    drop(places);
    let mut places = Vec::new();
    for _ in 0..MOST_FOLLOWERS_OF_AN_ADDRESS {
        places.push(home.get("/v1/events").await);
    }
    assert_eq!(home.refused("/v1/events").await, (503, "H0207".to_owned()), "all that one address may have");
    assert!(home.shared.followers.place(network(0)).is_ok(), "others find places");
    drop(places);
    let freed = async { while home.get("/v1/events").await.status() != 200 {} };
    tokio::time::timeout(PATIENCE, freed).await.expect("places are free again");
    assert_eq!(home.get("/v1/events").await.status(), 200);
}

/// How long anything may take that has to happen in the end.
const PATIENCE: Duration = Duration::from_secs(120);

/// The events of a text that are whole; a comment, which a server sends that has said nothing for long, is none.
fn events_of(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive("\n\n").filter(|event| event.ends_with("\n\n") && !event.starts_with(':'))
}

/// Reads events until there are `count`.
async fn read_events(answer: &mut reqwest::Response, count: usize) -> Vec<(u64, Record)> {
    let mut text = String::new();
    while events_of(&text).count() < count {
        let chunk = tokio::time::timeout(PATIENCE, answer.chunk()).await.expect("in time");
        text.push_str(std::str::from_utf8(&chunk.unwrap().expect("more")).unwrap());
    }
    let events = events_of(&text);
    let read = events.map(|event| {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
        (field("id:").parse().unwrap(), serde_json::from_str(field("data:")).unwrap())
    });
    read.collect()
}

#[tokio::test]
async fn events_go_on_where_their_reader_was() {
    let home = Home::with(3).await;
    let mut answer = home.get("/v1/events?after=1").await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let old = read_events(&mut answer, 2).await;
    assert_eq!(old.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2, 3]);
    home.grow(5);
    let new = read_events(&mut answer, 2).await;
    assert!(new.iter().all(|(id, record)| *id == record.id));
    assert_eq!(new.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [4, 5]);
    // The header of a browser that connects again counts for more than the address.
    let url = format!("http://{}/v1/events?after=1", home.at);
    let mut again = home.http.get(url).header("Last-Event-ID", "4").send().await.unwrap();
    assert_eq!(read_events(&mut again, 1).await[0].0, 5);
    // Who says nothing hears only what is new.
    let mut fresh = home.get("/v1/events").await;
    home.grow(6);
    assert_eq!(read_events(&mut fresh, 1).await[0].0, 6);
    home.stop.cancel();
    let end = loop {
        let end = tokio::time::timeout(PATIENCE, fresh.chunk()).await.expect("in time");
        if !matches!(&end, Ok(Some(comment)) if comment.starts_with(b":")) {
            break end;
        }
    };
    assert!(matches!(end, Ok(None)), "the stream ends with the index: {end:?}");
}

/// Head and body of a snapshot as they come over the wire, whatever a client would make of them.
async fn raw_answer(at: SocketAddr, encoding: &str) -> (String, Vec<u8>) {
    let mut stream = tokio::net::TcpStream::connect(at).await.unwrap();
    let request =
        format!("GET /v1/snapshot HTTP/1.1\r\nhost: x\r\naccept-encoding: {encoding}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("a head");
    let body = answer.split_off(end + 4);
    (String::from_utf8(answer).unwrap(), body)
}

#[tokio::test]
async fn a_snapshot_of_ten_thousand_jobs_is_small_and_served_from_memory() {
    let home = Home::with(10_050).await;
    let url = format!("http://{}/v1/snapshot", home.at);
    let (head, zipped) = raw_answer(home.at, "gzip").await;
    let built = home.built().await;
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag").trim().to_owned();
    let (head, plain) = raw_answer(home.at, "identity").await;
    assert!(built.is_some() && home.built().await == built, "built once");
    assert!(!head.contains("content-encoding"), "{head}");
    let mut unzipped = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(zipped.as_slice()), &mut unzipped).unwrap();
    assert_eq!(unzipped, plain);
    let snapshot: Snapshot = serde_json::from_slice(&plain).unwrap();
    assert_eq!(snapshot.jobs.len(), 10_000);
    assert_eq!(snapshot.last_id, 10_050);
    assert!(zipped.len() < 1_500_000, "{} bytes", zipped.len());
    let same = home.http.get(&url).header("If-None-Match", &tag).send().await.unwrap();
    assert_eq!(same.status(), 304);
    home.grow(10_051);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let newer = home.http.get(&url).header("If-None-Match", &tag).send().await.unwrap();
    assert_eq!(newer.status(), 200, "a change is seen a second later");
}
