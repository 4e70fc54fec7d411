//! Random orders, captures, voids, payments and days of one person under a line and without, against a model that knows
//! nothing of the code: after every step the orders, the line and what is owed in all are what the model says.

use serde_json::{Value, json};

use crate::actors::ADA;
use crate::lines::Granted;
use crate::world::{LENDER, MERCHANT, World};

/// How many steps one run has.
const STEPS: usize = 80;
/// The ceiling of the test's configuration.
const CEILING: i64 = 300_000;

/// Numbers that look like chance and are the same in every run of a seed (SplitMix64, Steele, Lea and Flood 2014).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        i64::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}

struct OrderModel {
    id: String,
    capability: String,
    under_line: bool,
    authorized: i64,
    captured: i64,
    /// Counted in days of the run.
    until: i64,
    ended: Option<&'static str>,
}

impl OrderModel {
    fn state(&self, day: i64) -> &'static str {
        match self.ended {
            Some(ended) => ended,
            None if day > self.until => "expired",
            None if self.captured == 0 => "authorized",
            None => "partly_captured",
        }
    }

    fn held(&self, day: i64) -> i64 {
        if self.ended.is_none() && day <= self.until { self.authorized - self.captured } else { 0 }
    }
}

struct LoanModel {
    id: String,
    capability: String,
    under_line: bool,
    owed: i64,
    day: i64,
}

struct Model {
    day: i64,
    limit: i64,
    orders: Vec<OrderModel>,
    loans: Vec<LoanModel>,
}

impl Model {
    fn held(&self, of_line: bool) -> i64 {
        self.orders.iter().filter(|order| !of_line || order.under_line).map(|order| order.held(self.day)).sum()
    }

    fn owed(&self, of_line: bool) -> i64 {
        self.loans.iter().filter(|loan| !of_line || loan.under_line).map(|loan| loan.owed).sum()
    }

    fn available(&self) -> i64 {
        (self.limit - self.owed(true) - self.held(true)).max(0)
    }
}

struct Run {
    world: World,
    line: Granted,
    model: Model,
    chance: Chance,
    done: [usize; 7],
}

impl Run {
    fn date(&self) -> String {
        prequal_core::calendar::Date::parse("2027-01-01")
            .unwrap()
            .add_days(i32::try_from(self.model.day).unwrap())
            .unwrap()
            .to_string()
    }

    async fn authorize(&mut self) {
        let (amount, days) = (1_000 + self.chance.below(60_000), 1 + self.chance.below(4));
        let (under_line, manual) = (self.chance.below(2) == 0, self.chance.below(4) > 0);
        let world = &self.world;
        let checkout = if manual {
            world.manual_checkout(amount, u16::try_from(days).unwrap()).await
        } else {
            world.checkout(amount).await
        };
        let purchase = world.apply_for(checkout, &ADA, amount).await;
        let submitted = world.submit(&purchase, &world.offer(&purchase, "monthly-3")).await.expect(200);
        let allowed = self.model.owed(false) + self.model.held(false) + amount <= CEILING;
        assert_eq!(submitted["outcome"], if allowed { "approved" } else { "declined" });
        if !allowed {
            return;
        }
        let mut signing = world.signing(&submitted, ADA.name);
        if under_line {
            signing["line"] = json!(self.line.id);
        }
        let signed = world.sign(&purchase, "k", &signing).await;
        if under_line && amount > self.model.available() {
            assert_eq!(signed.problem(409, "line-refused")["available"], self.model.available());
            return;
        }
        let signed = signed.expect(201);
        let capability = signed["capability"].as_str().unwrap().to_owned();
        self.done[0] += 1;
        if manual {
            let id = signed["order_id"].as_str().unwrap().to_owned();
            let until = self.model.day + days;
            let order = OrderModel { id, capability, under_line, authorized: amount, captured: 0, until, ended: None };
            self.model.orders.push(order);
        } else {
            let id = signed["loan_id"].as_str().unwrap().to_owned();
            self.world.wait(&format!("/v1/loans/{id}"), LENDER, |loan| loan["status"] == "active").await;
            self.model.loans.push(LoanModel { id, capability, under_line, owed: amount, day: self.model.day });
        }
    }

    async fn capture(&mut self) {
        let Some(place) = self.some_order() else { return };
        let (part, last) = (self.chance.below(3), self.chance.below(5) == 0);
        let (day, order) = (self.model.day, &mut self.model.orders[place]);
        let left = order.authorized - order.captured;
        // Now and then a cent too much.
        let amount = if part == 0 { left } else { 1 + self.chance.below(left + 1) };
        let body = json!({ "amount": amount, "final": last });
        let key = uuid::Uuid::new_v4().to_string();
        // One in four is not taken by the merchant's bank.
        let fails = self.chance.below(4) == 0;
        self.world.fail_next_payouts(u32::from(fails)).await;
        let answer = self.world.capture(&order.id, &key, &body).await;
        match order.state(day) {
            "expired" => drop(answer.problem(410, "capture-window-over")),
            "captured" | "voided" => drop(answer.problem(409, "order-ended")),
            _ if amount > left => drop(answer.problem(422, "capture-above-authorized")),
            _ => {
                answer.expect(201);
                order.captured += amount;
                if last || order.captured == order.authorized {
                    order.ended = Some("captured");
                }
                self.done[1] += 1;
                let view = self.world.order(&order.id, LENDER).await;
                let id = view["captures"].as_array().unwrap().last().unwrap()["loan_id"].as_str().unwrap().to_owned();
                let (capability, under_line) = (order.capability.clone(), order.under_line);
                let status = if fails { "cancelled" } else { "active" };
                self.world.wait(&format!("/v1/loans/{id}"), LENDER, |loan| loan["status"] == status).await;
                if fails {
                    // It may be made again; what its merchant gave up with a last capture may not.
                    if last {
                        order.authorized = order.captured;
                    }
                    order.ended = None;
                    order.captured -= amount;
                    self.done[6] += 1;
                } else {
                    self.model.loans.push(LoanModel { id, capability, under_line, owed: amount, day });
                }
            }
        }
        self.world.fail_next_payouts(0).await;
    }

    fn some_order(&mut self) -> Option<usize> {
        let count = i64::try_from(self.model.orders.len()).unwrap();
        // The latest of them, most of which are open.
        (count > 0).then(|| usize::try_from(count - 1 - self.chance.below(count.min(4))).unwrap())
    }

    async fn void(&mut self) {
        let Some(place) = self.some_order() else { return };
        let (day, order) = (self.model.day, &mut self.model.orders[place]);
        let answer = self.world.void(&order.id, &uuid::Uuid::new_v4().to_string()).await;
        match order.state(day) {
            "expired" => drop(answer.problem(410, "capture-window-over")),
            "captured" | "voided" => drop(answer.problem(409, "order-ended")),
            _ => {
                assert_eq!(answer.expect(200)["released_amount"], order.held(day));
                order.ended = Some("voided");
                self.done[2] += 1;
            }
        }
    }

    /// On the day on which it was lent a loan bears no interest: all that is paid is principal.
    async fn pay(&mut self) {
        let day = self.model.day;
        let Some(loan) = self.model.loans.iter_mut().rev().find(|loan| loan.day == day && loan.owed > 0) else {
            return;
        };
        let amount = if self.chance.below(2) == 0 { loan.owed } else { 1 + self.chance.below(loan.owed) };
        self.world.wait(&format!("/v1/loans/{}", loan.id), &loan.capability, |loan| loan["status"] == "active").await;
        self.world.pay(&loan.id, &loan.capability, amount).await;
        loan.owed -= amount;
        self.done[3] += 1;
    }

    async fn next_day(&mut self) {
        self.model.day += 1 + self.chance.below(2);
        self.world.set_date(&self.date()).await;
        if self.chance.below(2) == 0 {
            self.world.run_job("order-expiry", &self.date()).await;
        }
        self.done[4] += 1;
    }

    async fn change_limit(&mut self) {
        self.model.limit = 20_000 + self.chance.below(200_000);
        let path = format!("/v1/lines/{}/limit", self.line.id);
        let key = uuid::Uuid::new_v4().to_string();
        self.world.post_once(&path, LENDER, &key, &json!({ "limit": self.model.limit })).await.expect(200);
        self.done[5] += 1;
    }

    async fn check(&self) {
        self.world.verify().await;
        let model = &self.model;
        let (drawn, held) = (model.owed(true), model.held(true));
        let above = (drawn + held - model.limit).max(0);
        assert_eq!(self.world.standing(&self.line).await, [drawn, held, model.available(), above]);
        for order in model.orders.iter().rev().take(4) {
            let view: Value = self.world.order(&order.id, MERCHANT).await;
            assert_eq!(view["state"], order.state(model.day), "{view}");
            assert_eq!(
                (&view["captured_amount"], &view["left_amount"]),
                (&json!(order.captured), &json!(order.held(model.day)))
            );
        }
        assert_eq!(self.world.account("1110").await, model.owed(false));
        assert!(model.owed(false) + model.held(false) <= CEILING);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_orders_are_what_a_model_says_after_every_step() {
    let mut done = [0; 7];
    for seed in [1, 2] {
        let mut world = World::new().await;
        // Once a step, not after each of its calls.
        world.verifying = false;
        // The model knows of no instalments, so that nobody is late in it.
        world.config().conduct.standing.days_past_due_max = prequal_server::conduct::DAYS_PAST_DUE_MAX;
        world.restart().await;
        world.set_date("2027-01-01").await;
        let line = world.grant(120_000).await;
        let model = Model { day: 0, limit: 120_000, orders: Vec::new(), loans: Vec::new() };
        let mut run = Run { world, line, model, chance: Chance(seed), done: [0; 7] };
        for _ in 0..STEPS {
            match run.chance.below(14) {
                0..4 => run.authorize().await,
                4..8 => run.capture().await,
                8 | 9 => run.void().await,
                10 | 11 => run.pay().await,
                12 => run.next_day().await,
                _ => run.change_limit().await,
            }
            run.check().await;
        }
        for (sum, count) in done.iter_mut().zip(run.done) {
            *sum += count;
        }
    }
    assert!(done.iter().all(|count| *count >= 3), "each kind of step is there: {done:?}");
}
