//! A budget: an owner, an agent that posts within limits, and a revocation.

use assay::state_machine::JobState;
use assay_chain::accounts::BudgetFilter;
use assay_chain::read_keypair;
use assay_client::{Client, Posted, Terms, Work};
use serde_json::Value;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;
use std::path::{Path, PathBuf};
use story_tests::{NodeProcess, Story};

/// What the vault holds to begin with, in base units of the payment mint.
const VAULT: u64 = 20_000_000;

/// A budget in a story.
struct Budget {
    address: Pubkey,
    owner: PathBuf,
    agent: Client,
}

impl Budget {
    /// Limits of one job at a time at up to 1,500,000, three a period, for one node.
    async fn create(story: &Story, node: &Pubkey) -> Self {
        let owner = story.new_payer("owner", 2 * VAULT).await;
        let agent = story.new_payer("agent", 0).await;
        let agent_key = read_keypair(&agent).expect("a keypair").pubkey();
        let mint = story.payment_mint().to_string();
        let (agent_key, node, vault) = (agent_key.to_string(), node.to_string(), VAULT.to_string());
        let created = must(
            story,
            &owner,
            &[
                &["budget", "create", "--agent", &agent_key, "--mint", &mint, "--node", &node, "--any-graph"][..],
                &["--per-job", "1500000", "--per-period", "4500000", "--period-slots", "1000000"],
                &["--open-jobs", "2", "--for-slots", "1000000", "--tokens", &vault, "--lamports", "100000000"],
            ]
            .concat(),
        );
        assert_eq!((&created["tokens"], &created["allowance"]), (&Value::from(VAULT), &Value::from(4_500_000)));
        let address: Pubkey = created["budget"].as_str().and_then(|text| text.parse().ok()).expect("an address");
        Self { address, owner, agent: story.client_of(&agent).out_of(address) }
    }

    async fn tokens(&self, story: &Story) -> u64 {
        let vault = story.payment_mint_account(&self.address);
        story.chain().token_balance(&vault).await.expect("a balance").unwrap_or(0)
    }

    async fn lamports(&self, story: &Story) -> u64 {
        story.chain().balance_lamports(&self.address).await.expect("a balance")
    }

    async fn post(&self, story: &Story, work: &Work, terms: &Terms) -> Result<Posted, String> {
        let artifacts = story.artifacts(work).await;
        self.agent.post(work, &artifacts, terms).await.map_err(|error| error.to_string())
    }

    async fn refuses(&self, story: &Story, terms: &Terms, code: &str) {
        let error = self.post(story, &story.work(9), terms).await.expect_err(code);
        assert!(error.contains(code), "{error}");
    }
}

fn must(story: &Story, key: &Path, arguments: &[&str]) -> Value {
    let (status, value, said) = story.command(key, arguments);
    assert_eq!(status, Some(0), "assay {}: {said}", arguments.join(" "));
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_spends_within_its_limits_until_it_is_revoked() {
    let story = Story::begin().await;
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    let mut other = NodeProcess::register(&story, "other", story.placement(), |_| {});
    let budget = Budget::create(&story, &node.address).await;
    let lamports = budget.lamports(&story).await;
    let invited = Terms { invited_node: Some(node.address), ..story.terms() };

    // Each limit by its code, before anything runs.
    budget.refuses(&story, &Terms { price_max: 1_500_001, ..invited.clone() }, "P6344").await;
    let audited = Terms { audit_pot: 600_000, audit_cap: 1, ..invited.clone() };
    budget.refuses(&story, &audited, "P6345").await;
    budget.refuses(&story, &story.terms(), "P6349").await;
    budget.refuses(&story, &Terms { invited_node: Some(other.address), ..invited.clone() }, "P6349").await;

    // A job that only the other node could see first: it leaves it to the one that is invited.
    other.start(None).await;
    let work = story.work(1);
    let posted = budget.post(&story, &work, &invited).await.expect("within the limits");
    assert_eq!(budget.tokens(&story).await, VAULT - 1_000_000);
    let record = other.until(&posted.address, |record| record.is_finished()).await;
    assert!(serde_json::to_string(&record).unwrap().contains("N0231"), "{record:?}");
    node.start(None).await;
    let job = story.end(&posted.address).await;
    assert_eq!((job.state, job.node, job.client), (JobState::Settled, node.address, budget.address));
    let output = budget.agent.result(&posted.address, &work, &job).await.expect("a checked result");
    assert!(!output.is_empty());

    // A refund returns to the vault, and its rent; the allowance does not.
    let cancelled =
        Terms { invited_node: Some(node.address), price_min: 1_500_000, price_max: 1_500_000, ..story.terms() };
    node.kill();
    let taken_back = budget.post(&story, &story.work(2), &cancelled).await.expect("within the limits");
    budget.agent.cancel(&taken_back.address).await.expect("nobody has claimed");
    for job in [&posted.address, &taken_back.address] {
        story
            .until("the job is closed", async || {
                let _ = budget.agent.reclaim(job).await;
                story.chain().find_job(job).await.expect("the chain answers").is_none()
            })
            .await;
    }
    assert_eq!(budget.tokens(&story).await, VAULT - 1_000_000, "the price of one job");
    assert_eq!(budget.lamports(&story).await, lamports, "the rent of both");
    let shown = must(&story, &budget.owner, &["budget", "show", &budget.address.to_string()]);
    assert_eq!((&shown["allowance"], &shown["open_jobs"]), (&Value::from(2_000_000), &Value::from(0)));

    // The rest of the period, and not a unit more.
    let rest = budget.post(&story, &story.work(3), &invited).await.expect("within the limits");
    let more = Terms { price_min: 1_000_001, price_max: 1_000_001, ..invited.clone() };
    budget.refuses(&story, &more, "P6346").await;

    // Revoked: at once, while a job is open. The owner takes it back, and everything.
    must(&story, &budget.owner, &["budget", "revoke", &budget.address.to_string()]);
    budget.refuses(&story, &invited, "P6341").await;
    let refused = budget.agent.cancel(&rest.address).await.expect_err("revoked");
    assert!(refused.to_string().contains("P6341"), "{refused}");
    must(&story, &budget.owner, &["job", "cancel", &rest.address.to_string()]);
    let owner = story.client_of(&budget.owner).out_of(budget.address);
    story
        .until("the job is closed", async || {
            let _ = owner.reclaim(&rest.address).await;
            story.chain().find_job(&rest.address).await.expect("the chain answers").is_none()
        })
        .await;
    let closed = must(&story, &budget.owner, &["budget", "close", &budget.address.to_string()]);
    assert_eq!(closed["tokens"], Value::from(VAULT - 1_000_000));
    let owner = read_keypair(&budget.owner).expect("a keypair").pubkey();
    let held = story.chain().token_balance(&story.payment_mint_account(&owner)).await.expect("a balance");
    assert_eq!(held, Some(2 * VAULT - 1_000_000), "all but the price of one job");
    assert!(story.chain().budgets(BudgetFilter { owner: Some(owner), agent: None }).await.expect("a list").is_empty());
}
