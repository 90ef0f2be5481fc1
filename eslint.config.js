/**
 * ESLint with type information: what the compiler cannot see (forgotten promises, missed cases, any in disguise), and the form of the code
 * (so no formatter runs beside it). A rule that fights a habit of this code is off, with the reason beside it.
 */
import stylistic from '@stylistic/eslint-plugin'
import { defineConfig, globalIgnores } from 'eslint/config'
import typescript from 'typescript-eslint'

const lineLength = { code: 140, ignoreUrls: true, ignoreRegExpLiterals: true, ignoreStrings: true, ignoreTemplateLiterals: true }

const form = {
  '@stylistic/semi': ['error', 'never'],
  '@stylistic/quotes': ['error', 'single', { avoidEscape: true, allowTemplateLiterals: 'always' }],
  '@stylistic/indent': 'off', // measured at 40 % of the run; tabs and odd widths are caught by the two rules below
  '@stylistic/no-tabs': 'error',
  '@stylistic/no-trailing-spaces': 'error',
  '@stylistic/eol-last': 'error',
  '@stylistic/no-multiple-empty-lines': ['error', { max: 1, maxBOF: 0, maxEOF: 0 }],
  '@stylistic/comma-dangle': ['error', 'only-multiline'],
  '@stylistic/max-len': ['error', lineLength],
  '@stylistic/object-curly-spacing': ['error', 'always'],
  '@stylistic/space-before-blocks': 'error',
  '@stylistic/keyword-spacing': 'error',
  '@stylistic/space-infix-ops': 'error',
  '@stylistic/arrow-spacing': 'error',
  '@stylistic/comma-spacing': 'error',
  '@stylistic/member-delimiter-style': ['error', {
    multiline: { delimiter: 'none' }, singleline: { delimiter: 'comma', requireLast: false },
  }],
  '@stylistic/type-annotation-spacing': 'error',
}

const meaning = {
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  '@typescript-eslint/consistent-type-imports': ['error', { prefer: 'type-imports', fixStyle: 'separate-type-imports' }],
  '@typescript-eslint/consistent-type-exports': 'error',
  '@typescript-eslint/consistent-type-definitions': 'off', // both: `interface` for roles that classes implement, `type` for data
  '@typescript-eslint/no-non-null-assertion': 'error',
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
  '@typescript-eslint/restrict-plus-operands': ['error', { allowNumberAndString: true }],
  '@typescript-eslint/no-unnecessary-condition': 'off', // array elements are typed as always there; guarding against the missing one is right
  '@typescript-eslint/no-invalid-void-type': 'off', // Promise.withResolvers<void>() is what it should be
  '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
  '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }],
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
  '@typescript-eslint/prefer-for-of': 'off', // hot loops walk typed arrays by index
  '@typescript-eslint/no-extraneous-class': 'off',
  '@typescript-eslint/class-literal-property-style': 'off', // an interface asks for `readonly name`
  'eqeqeq': 'error',
  'no-restricted-syntax': ['error',
    { selector: 'TSEnumDeclaration', message: 'A const object or a union: enums are not erasable.' },
    { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
  ],
  'no-console': 'error',
  'prefer-const': ['error', { destructuring: 'all' }],
  'no-var': 'error',
  'object-shorthand': 'error',
}

export default defineConfig(
  globalIgnores(['**/dist/', 'coverage/', 'node_modules/', '.cache/', 'vedette-data/']),
  {
    files: ['**/*.{ts,tsx}'],
    extends: [typescript.configs.strictTypeChecked, typescript.configs.stylisticTypeChecked],
    plugins: { '@stylistic': stylistic },
    // One program for all files: half the time of the editor's project service.
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: { ...form, ...meaning },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@stylistic/max-len': ['error', { ...lineLength, code: 160 }], // tables of cases
      '@typescript-eslint/no-non-null-assertion': 'off', // a test that finds undefined fails on the next line anyway
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/require-await': 'off', // stand-ins implement asynchronous interfaces
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['*.config.ts'],
    rules: { 'no-restricted-syntax': 'off' }, // these tools ask for a default export
  },
  {
    files: ['**/*.{js,mjs}'],
    plugins: { '@stylistic': stylistic },
    rules: form,
  },
)
