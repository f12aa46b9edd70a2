# SPDX-License-Identifier: MIT
"""The rows of the table: a scenario, how the kernel is built for it, and which of its rules is left out."""
import collections

# rule: the kernel may lack this rule. Then the scenario finds what the rule is for, and the table says so.
Row = collections.namedtuple('Row', 'scenario drop fold halves expected rule')


def row(scenario, drop=None, expected=None, fold='static', halves=False, rule=None):
    return Row(scenario, drop, fold, halves, expected or ('found' if drop else 'proved'), rule)


ROWS = (
    row('zap'), row('zap', 'recheck'), row('zap', 'lower'), row('zap', 'zero'),
    row('zap-two'),
    row('unmap-rcu'), row('unmap-rcu', 'irqs'),
    row('unmap-ipi'), row('unmap-ipi', 'irqs'),
    row('collapse'), row('collapse-no-ipi'), row('collapse-no-ipi', 'upper'),
    row('mthp'), row('mthp-no-ipi'), row('mthp-no-ipi', 'upper'), row('mthp-no-ipi', 'recheck'),
    row('reclaim'), row('reclaim', 'irqs'),
    row('folio-split'), row('folio-split', 'head'),
    row('fork'), row('fork', 'sequence'), row('fork', 'odd'),
    row('truncate', rule='null'), row('truncate', 'null'),
    row('pmd-split'), row('pmd-split', 'leaf'), row('pud-zap'), row('pud-zap', 'leaf-pud'),
    row('hugetlb'), row('hugetlb-no-ipi', expected='found'),
    row('secret', rule='late'), row('secret', 'late'), row('secret', 'secretmem'), row('secret-ipi', rule='secretmem'),
    row('longterm', rule='longterm'), row('longterm', 'longterm'),
    row('movable', rule='movable'), row('movable', 'movable'),
    row('share'), row('share', 'unshare'), row('share-no-barrier', expected='found'),
    row('share-huge'), row('share-huge', 'unshare-huge'),
    row('special'), row('special', 'special'),
    row('overflow'), row('overflow', 'overflow'),
    row('fold-static'),
    row('fold-value', fold='value_lockless'), row('fold-value', fold='value_s390'),
    row('fold-value', fold='value', expected='found'),
    row('fold-reindex', fold='reindex_lockless'), row('fold-reindex', fold='reindex_arm64'),
    row('fold-reindex', fold='reindex', expected='found'),
    row('halves', halves=True), row('halves', 'again', halves=True),
    row('halves-order', halves=True, expected='found'), row('halves-no-ipi', halves=True, expected='found'),
)

FOLDS = {
    'static': '',
    'value_lockless': 'pointer and value together',
    'value_s390': "s390's own functions",
    'value': 'stack copies',
    'reindex_lockless': 'pointer and value together',
    'reindex_arm64': "arm64's own functions",
    'reindex': 'stack copies',
}
FOLD_NAMES = {'value': ':stack-copies', 'reindex': ':stack-copies', 'value_s390': ':s390', 'reindex_arm64': ':arm64'}


def name_of(each):
    """As it is asked for: the scenario, and the rule that is dropped, or the way of folding."""
    if each.drop:
        return f'{each.scenario}:{each.drop}'
    return each.scenario + FOLD_NAMES.get(each.fold, '')
