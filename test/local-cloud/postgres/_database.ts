/** What the tests' servers have in them: names and a password that have to be quoted. */
export const DATABASE = {
  database: 'shop "2"',
  user: "shop-owner",
  password: 'it\'s "secret" \\ here',
} as const;
