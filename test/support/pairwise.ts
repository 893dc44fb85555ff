/** What may be chosen, by what it is about. */
export type Choices = Readonly<Record<string, readonly string[]>>;

/** One choice of each kind. */
export type Combination = Readonly<Record<string, string>>;

/**
 * Combinations in which each two choices of different kinds stand together at least once. Deterministic:
 * in each round the combination is taken that has most of the pairs that are still missing, the earlier
 * choice of two that are as good.
 */
export function pairwise(choices: Choices): Combination[] {
  const missing = new Set(allPairs(choices));
  const combinations: Combination[] = [];
  while (missing.size > 0) {
    const combination = nextOf(choices, missing);
    for (const pair of pairsOf(combination)) missing.delete(pair);
    combinations.push(combination);
  }
  return combinations;
}

// Begins with a missing pair, so that every round has at least one.
function nextOf(choices: Choices, missing: ReadonlySet<string>): Combination {
  const [first = ""] = missing;
  const combination: Record<string, string> = JSON.parse(first);
  for (const [kind, options] of Object.entries(choices)) {
    if (kind in combination) continue;
    const gains = options.map((option) => {
      const pairs = pairsOf({ ...combination, [kind]: option });
      return pairs.filter((pair) => missing.has(pair)).length;
    });
    combination[kind] = options[gains.indexOf(Math.max(...gains))] ?? "";
  }
  return combination;
}

function allPairs(choices: Choices): string[] {
  const kinds = Object.entries(choices);
  return kinds.flatMap(([kind, options], index) =>
    kinds
      .slice(index + 1)
      .flatMap(([other, others]) =>
        options.flatMap((option) =>
          others.flatMap((second) => pairsOf({ [kind]: option, [other]: second })),
        ),
      ),
  );
}

function pairsOf(combination: Combination): string[] {
  const entries = Object.entries(combination).sort(([one], [other]) => (one < other ? -1 : 1));
  return entries.flatMap(([kind, option], index) =>
    entries
      .slice(index + 1)
      .map(([other, second]) => JSON.stringify({ [kind]: option, [other]: second })),
  );
}
