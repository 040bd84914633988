//! Shares what may be under way at once among destinations, so that no number of slow ones takes it all.

/// What one destination has and could take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    /// Attempts under way.
    pub(super) under_way: usize,
    /// How many more could begin.
    pub(super) room: usize,
}

/// How many attempts each may begin of `free` ones. None comes to more under way than is left free afterwards, which
/// leaves something for one that comes later: a single slow destination gets half of everything, two get a third each.
/// Where there is not enough for all, those with little under way come first, and among them those that stand first.
pub(super) fn shares(free: usize, claims: &[Claim]) -> Vec<usize> {
    let share = |claim: &Claim, level: usize| claim.room.min(level.saturating_sub(claim.under_way));
    let fits = |level: usize| {
        let given: usize = claims.iter().map(|claim| share(claim, level)).sum();
        given <= free && level <= free - given
    };
    let highest = claims.iter().map(|claim| claim.under_way.saturating_add(claim.room)).max().unwrap_or(0);
    // The highest level that fits; everything below it does.
    let (mut low, mut high) = (0, highest);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    let mut shares: Vec<usize> = claims.iter().map(|claim| share(claim, low)).collect();
    // What is left does not bring all of them one further, but some. Most who claim may have nothing to do.
    let mut left = free.saturating_sub(shares.iter().sum::<usize>()).saturating_sub(low + 1);
    for (claim, given) in claims.iter().zip(&mut shares) {
        let further = share(claim, low + 1) - *given;
        *given += further.min(left);
        left -= further.min(left);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_it_all() {
        let check = |free: usize, claims: &[(usize, usize)], expected: &[usize]| {
            let claims: Vec<Claim> =
                claims.iter().map(|&(under_way, room)| Claim { under_way, room }).collect();
            assert_eq!(shares(free, &claims), expected, "{free} for {claims:?}");
        };
        check(100, &[], &[]);
        check(100, &[(0, 10), (0, 20)], &[10, 20]);
        check(0, &[(0, 10), (50, 20)], &[0, 0]);
        // One alone gets half of all, and no more when it has that.
        check(100, &[(0, 1000)], &[50]);
        check(50, &[(50, 950)], &[0]);
        check(60, &[(40, 960)], &[10]);
        // Who comes later gets half of what is left, and the first no more.
        check(50, &[(50, 950), (0, 1000)], &[0, 25]);
        check(90, &[(0, 1000), (0, 1000)], &[30, 30]);
        check(90, &[(0, 5), (0, 1000)], &[5, 42]);
        // Little is shared by those with little under way.
        check(5, &[(90, 10), (1, 10), (0, 10)], &[0, 1, 2]);
        check(1, &[(0, 1), (0, 1)], &[0, 0]);
        check(3, &[(0, 1), (0, 1)], &[1, 1]);
        // There are more of them than there is to share.
        check(3, &[(0, 9), (0, 9), (0, 9), (0, 9)], &[1, 1, 0, 0]);
        check(4, &[(1, 9), (0, 9), (1, 9), (0, 9), (0, 9), (0, 9)], &[0, 1, 0, 1, 1, 0]);
        check(8, &[(0, 9), (0, 9), (0, 9), (0, 1)], &[2, 2, 1, 1]);
    }

    #[test]
    fn however_many_there_are_some_remains() {
        let total = 2048;
        let mut under_way: Vec<usize> = Vec::new();
        for newcomer in 1..40 {
            under_way.push(0);
            let free = total - under_way.iter().sum::<usize>();
            let claims: Vec<Claim> =
                under_way.iter().map(|&under_way| Claim { under_way, room: 10_000 }).collect();
            let given = shares(free, &claims);
            assert!(given[newcomer - 1] > 0 || newcomer > 11, "newcomer {newcomer} of {under_way:?}");
            under_way.iter_mut().zip(given).for_each(|(under_way, given)| *under_way += given);
        }
        assert!(under_way.iter().sum::<usize>() < total);
    }
}
