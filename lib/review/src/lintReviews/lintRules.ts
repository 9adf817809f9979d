/** What ESLint looks for when it acts as the reviewer. */
import type { Linter } from 'eslint';

const OPTIONS: Readonly<Record<string, readonly unknown[]>> = {
  camelcase: [{ properties: 'never' }],
  curly: ['multi-line'],
  eqeqeq: ['always', { null: 'ignore' }],
  'max-params': [4],
  'no-cond-assign': ['always'],
  'no-else-return': [{ allowElseIf: false }],
  'no-inner-declarations': ['both'],
  'no-underscore-dangle': [{ allowAfterThis: true }],
  'no-use-before-define': [{ functions: false }],
  'one-var': ['never'],
  'prefer-destructuring': [{ object: true, array: false }],
};

const NAMES = `
  array-callback-return arrow-body-style camelcase curly default-case-last default-param-last dot-notation eqeqeq func-name-matching
  getter-return guard-for-in logical-assignment-operators max-params new-cap no-alert no-array-constructor no-async-promise-executor
  no-await-in-loop no-caller no-case-declarations no-cond-assign no-console no-constant-condition no-constructor-return no-control-regex
  no-else-return no-empty no-empty-function no-eval no-extend-native no-extra-boolean-cast no-fallthrough no-implicit-coercion
  no-inner-declarations no-labels no-lone-blocks no-lonely-if no-loss-of-precision no-multi-assign no-negated-condition no-nested-ternary
  no-new no-new-func no-object-constructor no-param-reassign no-promise-executor-return no-proto no-prototype-builtins no-redeclare
  no-return-assign no-self-compare no-sequences no-shadow no-template-curly-in-string no-throw-literal no-undef-init no-underscore-dangle
  no-unneeded-ternary no-unsafe-finally no-unused-expressions no-unused-vars no-use-before-define no-useless-assignment no-useless-call
  no-useless-catch no-useless-computed-key no-useless-concat no-useless-constructor no-useless-escape no-useless-rename no-useless-return
  no-var no-void no-warning-comments object-shorthand one-var operator-assignment prefer-arrow-callback prefer-const prefer-destructuring
  prefer-exponentiation-operator prefer-numeric-literals prefer-object-has-own prefer-object-spread prefer-promise-reject-errors
  prefer-regex-literals prefer-rest-params prefer-spread prefer-template preserve-caught-error radix require-await symbol-description yoda
`;

/**
 * The rules of ESLint's core that act as the reviewer.
 *
 * Each rule judges something visible in a hunk. Left out are layout rules (each file has its own style), rules whose cause usually lies
 * outside the hunk, rules that would fire on every other line, and one of every two rules that contradict each other.
 */
export const lintRules: Linter.RulesRecord = Object.fromEntries(
  NAMES.trim()
    .split(/\s+/)
    .map((name) => [name, ['warn', ...(OPTIONS[name] ?? [])]]),
);
