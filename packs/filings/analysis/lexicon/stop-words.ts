/** Words that say nothing about what a passage of a filing is about. */
export const stopWords = `
a about above after again against all also although am among an and any are as at be because been before being below between both but by
can cannot could did do does doing down during each either etc few for from further had has have having he her here herein him his how
however i if in including into is it its itself may me might more most must my nor not of off on once only or other others our ours out
over own per same shall she should so some such than that the their theirs them then there thereby therefore these they this those
through thus to too under until up upon us very was we were what when where whether which while who whom whose why will with within
without would you your company inc corp registrant
`;
