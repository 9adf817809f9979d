/** What the program returns. */

/** Another worker of the cluster was lost: all of them have to be started again. */
export const LOST = 3;
