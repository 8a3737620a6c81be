//! What the chain remembers of transactions.

use crate::support::{funded, funded_client, post_job, shared, transfer};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

#[tokio::test(flavor = "multi_thread")]
async fn receipts_tell_what_was_done_and_what_it_cost() {
    let shared = shared().await;
    let sender = shared.sender();
    let client = funded_client(shared, &sender).await;
    let before = sender.chain().slot().await.unwrap();
    let lamports = sender.chain().balance_lamports(&client.pubkey()).await.unwrap();
    let job = post_job(&sender, &client, shared.market.payment_mint).await;

    let receipts = sender.chain().receipts(&job, before).await.unwrap();
    assert_eq!(receipts.len(), 1, "{receipts:?}");
    let receipt = &receipts[0];
    assert_eq!((receipt.failed, receipt.fee_lamports, receipt.slot >= before), (false, 5_000, true));
    assert_eq!(receipt.instructions, ["PostJob"]);
    assert!((500..=1_232).contains(&receipt.bytes), "{} bytes", receipt.bytes);
    assert!((10_000..200_000).contains(&receipt.compute_units), "{} compute units", receipt.compute_units);
    assert!(sender.chain().balance_lamports(&client.pubkey()).await.unwrap() < lamports - 5_000);
    assert_eq!(sender.chain().receipts(&job, receipt.slot + 1).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_names_the_address_counts() {
    let sender = shared().await.sender();
    let payer = funded(&sender, 1_000_000_000).await;
    let recipients = [Pubkey::new_unique(), Pubkey::new_unique()];
    for recipient in recipients {
        sender.execute(&[transfer(&payer, &recipient, 1_000_000)], &[&payer]).await.unwrap();
    }
    let count = async |address: &Pubkey| sender.chain().receipts(address, 0).await.unwrap().len();
    assert_eq!((count(&recipients[0]).await, count(&recipients[1]).await), (1, 1));
    assert_eq!(count(&Pubkey::new_unique()).await, 0);
    let sent = sender.chain().receipts(&payer.pubkey(), 0).await.unwrap();
    let of_the_program: Vec<_> = sent.iter().flat_map(|receipt| &receipt.instructions).collect();
    assert_eq!(of_the_program, Vec::<&String>::new(), "{sent:?}");
    assert!(sent.len() >= 2 && sent.windows(2).all(|pair| pair[0].slot <= pair[1].slot), "{sent:?}");
}
