/** What the Web UI's timeline says about an activity or timer. It cuts at about 120 characters. */
export function summary(tenant: string, purpose: string): string {
  const name = tenant.length <= 60 ? tenant : `${tenant.slice(0, 59)}…`;
  return `${name}: ${purpose}`;
}
